# Installs into a fresh prefix, builds the projects beside this file against it, runs their programs,
# counts what is public. cmake -DBUILD=… -DSOURCE=… -DPREFIX_PATH=… -DCONFIG=… -DFLAGS=… -P run.cmake
function(run)
  execute_process(COMMAND ${ARGN} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

set(work ${BUILD}/install_test)
set(prefix ${work}/prefix)
file(REMOVE_RECURSE ${work})
run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${prefix})

# Builds one of the two projects.
function(build name)
  run(${CMAKE_COMMAND} -S ${SOURCE} -B ${work}/${name} -G Ninja -DCMAKE_BUILD_TYPE=${CONFIG}
      "-DCMAKE_PREFIX_PATH=${prefix};${PREFIX_PATH}" "-DCMAKE_CXX_FLAGS=${FLAGS}"
      -DEXAMPLES=${SOURCE}/../../examples ${ARGN})
  run(${CMAKE_COMMAND} --build ${work}/${name})
endfunction()
build(models)
run(${work}/models/user)
run(${work}/models/likelihood 20)
run(${work}/models/c 20)
build(distributions -DONLY_DISTRIBUTIONS=ON)
run(${work}/distributions/distributions 20)
run(${prefix}/bin/elbo list)

# What is public: few headers, and of the libraries' symbols only what those declare.
file(GLOB_RECURSE headers ${prefix}/include/elbo/*.h)
list(LENGTH headers count)
message("${count} installed headers (at most 60)")
if(count GREATER 60 OR count EQUAL 0)
  message(FATAL_ERROR "${count} installed headers, at most 60: ${headers}")
endif()
foreach(name elbo elbo_distributions)
  file(GLOB_RECURSE library ${prefix}/lib*/lib${name}.so)
  execute_process(COMMAND nm -DC --defined-only ${library} OUTPUT_VARIABLE symbols
                  COMMAND_ERROR_IS_FATAL ANY)
  string(REGEX REPLACE ";" "," symbols "${symbols}")
  string(REGEX MATCHALL "[^\n]+" symbols "${symbols}")
  list(LENGTH symbols count)
  set(foreign ${symbols})
  list(FILTER foreign EXCLUDE REGEX " [A-Za-z] (.* )?(elbo::|elbo_[a-z_]+$)")
  set(inner ${symbols})
  list(FILTER inner INCLUDE REGEX "elbo::(fused|kernels)::|dnnl")
  message("lib${name}.so: ${count} symbols")
  if(foreign OR inner OR count EQUAL 0)
    message(FATAL_ERROR "lib${name}.so shows what is not its API: ${foreign} ${inner}")
  endif()
endforeach()
execute_process(COMMAND ldd ${work}/distributions/distributions OUTPUT_VARIABLE linked
                COMMAND_ERROR_IS_FATAL ANY)
if(linked MATCHES "libelbo\\.so|RDKit")
  message(FATAL_ERROR "a program with distributions alone links more: ${linked}")
endif()
