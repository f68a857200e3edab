# Installs into a fresh prefix, builds the project beside this file against it, and runs both
# programs. cmake -DBUILD=… -DSOURCE=… -DPREFIX_PATH=… -DCONFIG=… -DFLAGS=… -P run.cmake
function(run)
  execute_process(COMMAND ${ARGN} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

set(work ${BUILD}/install_test)
file(REMOVE_RECURSE ${work})
run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${work}/prefix)
run(${CMAKE_COMMAND} -S ${SOURCE} -B ${work}/build -G Ninja -DCMAKE_BUILD_TYPE=${CONFIG}
    "-DCMAKE_PREFIX_PATH=${work}/prefix;${PREFIX_PATH}" "-DCMAKE_CXX_FLAGS=${FLAGS}")
run(${CMAKE_COMMAND} --build ${work}/build)
run(${work}/build/user)
run(${work}/prefix/bin/elbo list)
