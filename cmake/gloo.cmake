# Training in several processes goes over libtorch's c10d with Gloo, whose headers are a package of
# their own (Debian: libgloo-dev). Those of the system fit the system's libtorch alone: another one
# holds another Gloo. Sets ELBO_GLOO.
find_path(C10D_INCLUDE_DIR torch/csrc/distributed/c10d/ProcessGroupGloo.hpp
          HINTS ${TORCH_INCLUDE_DIRS})
find_path(GLOO_INCLUDE_DIR gloo/algorithm.h PATHS ${C10D_INCLUDE_DIR} NO_DEFAULT_PATH)
add_part(Gloo ELBO_GLOO "libgloo-dev" "training in several processes"
         "GLOO_INCLUDE_DIR=Gloo's headers beside libtorch's" "C10D_INCLUDE_DIR=c10d with Gloo in libtorch")

function(use_gloo target)
  if(NOT ELBO_GLOO)
    return()
  endif()
  # c10d's headers show Gloo's part only where this is said. GCC 14 does not see that a guard of
  # libtorch's futures is empty.
  set_source_files_properties(
    ${gloo_sources} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON
    COMPILE_OPTIONS -Wno-maybe-uninitialized
    COMPILE_DEFINITIONS "USE_C10D_GLOO;USE_DISTRIBUTED;USE_C10D")
  target_include_directories(${target} SYSTEM PRIVATE ${GLOO_INCLUDE_DIR})
endfunction()
