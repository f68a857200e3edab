// What the library asks of OpenMP: clang's own header is a package of its own, GCC's is not for
// clang.
#pragma once

extern "C" {
int omp_get_max_threads();
int omp_get_num_threads();
int omp_get_thread_num();
int omp_in_parallel();
void omp_set_num_threads(int);
}
