# One program for all tests, and one ctest for each file of it.
file(GLOB test_sources CONFIGURE_DEPENDS tests/test_*.cpp)
if(ELBO_FOLDERS)
  list(FILTER test_sources INCLUDE REGEX "/test_(${folders})[a-z_]*\\.cpp$")
endif()
if(NOT ELBO_XGBOOST)
  list(FILTER test_sources EXCLUDE REGEX "/test_eval_forest\\.cpp$")
endif()
if(NOT ELBO_SQLITE)
  list(FILTER test_sources EXCLUDE REGEX "/test_data_sqlite\\.cpp$")
endif()
file(GLOB test_support CONFIGURE_DEPENDS tests/*.cpp)
list(FILTER test_support EXCLUDE REGEX "/test_[a-z0-9_]*\\.cpp$")

# What hands bytes to one reader each; scripts/fuzz.sh searches with the same sources.
file(GLOB fuzz_sources CONFIGURE_DEPENDS tests/fuzz/*.cpp)
list(FILTER fuzz_sources EXCLUDE REGEX "/libfuzzer\\.cpp$")
if(ELBO_FOLDERS)
  set(fuzz_folders "${folders}")
  if(ELBO_FUZZ)
    string(APPEND fuzz_folders "|serve")
  endif()
  list(FILTER fuzz_sources INCLUDE REGEX "/(harness|(${fuzz_folders})_[a-z_]*)\\.cpp$")
endif()
if(NOT ELBO_HTTP)
  list(FILTER fuzz_sources EXCLUDE REGEX "/serve_[a-z_]*\\.cpp$")
endif()
set_source_files_properties(tests/fuzz/serve_request.cpp PROPERTIES
  SKIP_PRECOMPILE_HEADERS ON SKIP_UNITY_BUILD_INCLUSION ON COMPILE_OPTIONS "${HTTPLIB_CFLAGS}")
if(ELBO_FUZZ)
  # The server's part of requests stands on lower folders alone.
  set(request_sources access http_answer http_bounded http_connection http_rules worker_threads)
  list(TRANSFORM request_sources PREPEND src/elbo/serve/)
  list(TRANSFORM request_sources APPEND .cpp)
  add_executable(elbo_fuzz tests/fuzz/libfuzzer.cpp tests/fuzz/clang/fill_bits.cpp ${fuzz_sources} ${request_sources})
  target_include_directories(elbo_fuzz PRIVATE tests)
  target_link_libraries(elbo_fuzz PRIVATE elbo_objects)
  target_link_options(elbo_fuzz PRIVATE -fsanitize=fuzzer)
  return()
endif()

# Seconds; ends what hangs. A slow or busy machine is no failure.
set(test_limit 3600)

# A script of tests/cli that runs the program; what follows are its arguments.
function(add_cli_script name script)
  add_test(NAME cli_${name}
           COMMAND ${Python3_EXECUTABLE} ${CMAKE_CURRENT_SOURCE_DIR}/tests/cli/${script}
                   --program $<TARGET_FILE:elbo_program> ${ARGN})
  set_tests_properties(cli_${name} PROPERTIES TIMEOUT ${test_limit})
endfunction()

# The kernels once more, each time for one instruction set and as a library of its own, so that a
# test can hold the variants side by side which a processor otherwise chooses one of.
set(kernel_variants "")
if(CMAKE_SYSTEM_PROCESSOR STREQUAL x86_64 AND CMAKE_CXX_COMPILER_ID STREQUAL GNU AND NOT
   ELBO_FOLDERS)
  file(GLOB variant_sources CONFIGURE_DEPENDS src/elbo/kernels/*.cpp)
  write_together(kernel_variant.cpp ${variant_sources} src/elbo/core/tensor.cpp
                 src/elbo/core/buffer_pool.cpp src/elbo/core/profile.cpp
                 tests/variants/kernel_outputs.cpp)
  foreach(arch x86-64 x86-64-v3 x86-64-v4)
    add_library(kernels_${arch} MODULE ${CMAKE_CURRENT_BINARY_DIR}/kernel_variant.cpp)
    target_include_directories(kernels_${arch} PRIVATE src tests)
    target_include_directories(kernels_${arch} SYSTEM PRIVATE ${TORCH_INCLUDE_DIRS})
    target_compile_options(kernels_${arch} PRIVATE -O3 -fno-trapping-math -fno-math-errno
                                                   -march=${arch} ${ELBO_WARNINGS})
    target_compile_definitions(kernels_${arch} PRIVATE ELBO_CLONES=)
    target_link_libraries(kernels_${arch} PRIVATE ${TORCH_LIBRARIES} nlohmann_json::nlohmann_json
                                                   OpenMP::OpenMP_CXX)
    list(APPEND kernel_variants "${arch}=$<TARGET_FILE:kernels_${arch}>")
  endforeach()
else()
  list(FILTER test_sources EXCLUDE REGEX "/test_kernels_variants\\.cpp$")
endif()
list(JOIN kernel_variants "," kernel_variants)

add_executable(elbo_tests ${test_sources} ${test_support} ${fuzz_sources})
target_include_directories(elbo_tests PRIVATE tests)
target_link_libraries(elbo_tests PRIVATE elbo_objects doctest::doctest)
if(kernel_variants)
  add_dependencies(elbo_tests kernels_x86-64 kernels_x86-64-v3 kernels_x86-64-v4)
endif()
target_compile_definitions(elbo_tests PRIVATE ELBO_SOURCE_DIR="${CMAKE_CURRENT_SOURCE_DIR}"
                                              ELBO_KERNEL_VARIANTS="${kernel_variants}")
target_link_libraries(elbo_tests PRIVATE ${CMAKE_DL_LIBS})
target_compile_options(elbo_tests PRIVATE ${ELBO_WARNINGS})
target_precompile_headers(elbo_tests REUSE_FROM elbo_objects)
if(ELBO_UNITY)
  compile_together(elbo_tests 8)
endif()

# Cases for scripts/check_onnx.sh alone.
set(run_sources ${test_sources})
list(FILTER run_sources EXCLUDE REGEX "/test_export_zoo\\.cpp$")
foreach(source IN LISTS run_sources)
  get_filename_component(name ${source} NAME_WE)
  add_test(NAME ${name} COMMAND elbo_tests --source-file=*/${name}.cpp)
  # A filter that matches nothing would pass.
  set_tests_properties(${name} PROPERTIES FAIL_REGULAR_EXPRESSION "test cases: +0 "
                                          TIMEOUT ${test_limit})
endforeach()

if(NOT ELBO_FOLDERS)
  foreach(what layers style zoo)
    add_test(NAME check_${what}
             COMMAND ${Python3_EXECUTABLE} ${CMAKE_CURRENT_SOURCE_DIR}/tools/check_${what}.py)
  endforeach()
  # A checker that finds nothing anywhere would pass, too.
  foreach(what layers style)
    add_test(NAME check_${what}_finds_violations
             COMMAND ${Python3_EXECUTABLE} ${CMAKE_CURRENT_SOURCE_DIR}/tests/test_check_${what}.py)
  endforeach()
  add_test(NAME spdx COMMAND ${Python3_EXECUTABLE} ${CMAKE_CURRENT_SOURCE_DIR}/tests/test_spdx.py)
  set_tests_properties(spdx PROPERTIES SKIP_RETURN_CODE 77)
  # The program, loaded once and forked for each of many short trials (tests/cli/zygote.py).
  add_executable(elbo_zygote tests/zygote/zygote.cpp tests/zygote/entry.cpp)
  target_compile_options(elbo_zygote PRIVATE ${ELBO_WARNINGS} -Wpedantic)
  target_link_libraries(elbo_zygote PRIVATE elbo_commands elbo_objects)
  target_precompile_headers(elbo_zygote REUSE_FROM elbo_objects)
  set(cli_tests speed usage words alone latents newcomer sweep work resume refuse labels stage image_vae judge text files tables generator
                anomalies copies score unseen weights dates compress compress_tables refine)
  if(ELBO_RDKIT)
    list(APPEND cli_tests molecules)
  endif()
  if(ELBO_XGBOOST)
    list(APPEND cli_tests synthetic)
  endif()
  if(ELBO_SQLITE)
    list(APPEND cli_tests database)
  endif()
  foreach(test IN LISTS cli_tests)
    add_cli_script(${test} run.py ${CMAKE_CURRENT_SOURCE_DIR}/tests/cli/${test}.test)
  endforeach()
  add_cli_script(page page.py)
  if(ELBO_HTTP)
    add_cli_script(serve serve.py)
    add_cli_script(attacks attacks.py)
    add_cli_script(explorer explorer.py)
    # The long form: scripts/soak.sh
    add_cli_script(requests requests.py --count 6000)
  endif()
  add_cli_script(parts parts.py)
  add_cli_script(threads threads.py)
  add_cli_script(package package.py --build ${CMAKE_CURRENT_BINARY_DIR})
  set_tests_properties(cli_package PROPERTIES SKIP_RETURN_CODE 77)
  add_cli_script(documented documented.py)
  # The long form: bench/table_property.py --tables 2000
  add_cli_script(table_property ../../bench/table_property.py --tables 40 --train-each 20)
  # Runs that an earlier version has made.
  add_cli_script(fixtures fixtures.py)
  # Runs that somebody else has made or changed.
  add_cli_script(foreign_runs foreign_runs.py)
  add_cli_script(export export.py)
  # The Python package needs numpy; its estimators scikit-learn, its frames pandas: what is missing is
  # skipped by name.
  execute_process(COMMAND ${Python3_EXECUTABLE} -c "import numpy" RESULT_VARIABLE no_numpy
                  OUTPUT_QUIET ERROR_QUIET)
  if(no_numpy)
    message(STATUS "The tests of the Python package are left out: python3-numpy was not found")
  else()
    foreach(what runs estimators examples manners misuse)
      add_test(NAME python_${what}
               COMMAND ${Python3_EXECUTABLE} -m unittest -v test_${what}
               WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}/tests/python)
      set_tests_properties(python_${what} PROPERTIES TIMEOUT ${test_limit} ENVIRONMENT
        "PYTHONPATH=${PROJECT_SOURCE_DIR}/python;PYTHONDONTWRITEBYTECODE=1;ELBO_LIBRARY=$<TARGET_FILE:elbo_shared>;ELBO_PROGRAM=$<TARGET_FILE:elbo_program>")
    endforeach()
  endif()
  # Where ELBO_NODE_MODULES names a folder with onnxruntime-node; the script installs it by itself.
  if(DEFINED ENV{ELBO_NODE_MODULES})
    add_test(NAME check_onnx
             COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/scripts/check_onnx.sh $<TARGET_FILE:elbo_tests>
                     $ENV{ELBO_NODE_MODULES})
    set_tests_properties(check_onnx PROPERTIES TIMEOUT ${test_limit} SKIP_RETURN_CODE 77)
  endif()
  if(ELBO_GLOO)
    add_cli_script(processes processes.py)
    set_tests_properties(cli_processes PROPERTIES PROCESSORS 2)
  endif()
  add_cli_script(full_disk full.py)
  # Faults on purpose; the long form: tests/cli/faults.py --program … --library … --all
  add_library(elbo_faults MODULE tests/faults/fail.cpp)
  target_compile_options(elbo_faults PRIVATE ${ELBO_WARNINGS})
  if(ELBO_HTTP)
    add_cli_script(faults faults.py --library $<TARGET_FILE:elbo_faults>)
  endif()
  # The long form: scripts/soak.sh
  add_cli_script(kill kill.py --kills 4 --zygote $<TARGET_FILE:elbo_zygote> --each-alone 2)
  # The long form: scripts/mutants.sh
  add_cli_script(mutants ../mutants/mutate.py --count 40 --zygote $<TARGET_FILE:elbo_zygote>
                 --keep ${CMAKE_CURRENT_BINARY_DIR}/mutants-found)
  add_test(NAME parts_left_out
           COMMAND ${CMAKE_COMMAND} -DSOURCE=${PROJECT_SOURCE_DIR}
                   -DWORK=${CMAKE_CURRENT_BINARY_DIR}/parts_left_out
                   "-DPREFIX_PATH=${CMAKE_PREFIX_PATH}"
                   -P ${CMAKE_CURRENT_SOURCE_DIR}/tests/parts/run.cmake)
  add_test(NAME install
           COMMAND ${CMAKE_COMMAND} -DBUILD=${CMAKE_CURRENT_BINARY_DIR}
                   -DSOURCE=${CMAKE_CURRENT_SOURCE_DIR}/tests/install
                   "-DPREFIX_PATH=${CMAKE_PREFIX_PATH}" -DCONFIG=${CMAKE_BUILD_TYPE}
                   "-DFLAGS=${CMAKE_CXX_FLAGS}" -P ${CMAKE_CURRENT_SOURCE_DIR}/tests/install/run.cmake)
  set_tests_properties(install parts_left_out PROPERTIES TIMEOUT ${test_limit})
endif()
