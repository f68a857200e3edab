// Read by clang before all else: libtorch 1.13 has vectors of types that are not complete yet,
// which clang refuses where the members of std::vector are constexpr, as GCC's library has them in
// C++20.
#pragma once

#include <memory>
#include <string>

#pragma push_macro("_GLIBCXX20_CONSTEXPR")
#undef _GLIBCXX20_CONSTEXPR
#define _GLIBCXX20_CONSTEXPR
#include <bits/stl_vector.h>
#define __fill_a1 __fill_a1_of_bits  // declared as constexpr before
#include <bits/stl_bvector.h>
#undef __fill_a1
#include <vector>
#pragma pop_macro("_GLIBCXX20_CONSTEXPR")
