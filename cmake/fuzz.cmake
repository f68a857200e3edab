# What clang needs to compile the library beside GCC's headers (tests/fuzz/clang), and GCC's OpenMP runtime
# in place of its own, which is a package of its own.
add_compile_options(-Wno-unknown-warning-option "SHELL:-include ${PROJECT_SOURCE_DIR}/tests/fuzz/clang/vector.h")
execute_process(COMMAND gcc -print-file-name=libgomp.so OUTPUT_VARIABLE gcc_openmp
                OUTPUT_STRIP_TRAILING_WHITESPACE)
add_library(OpenMP::OpenMP_CXX INTERFACE IMPORTED)
target_link_libraries(OpenMP::OpenMP_CXX INTERFACE ${gcc_openmp})
target_include_directories(OpenMP::OpenMP_CXX INTERFACE ${PROJECT_SOURCE_DIR}/tests/fuzz/clang)
