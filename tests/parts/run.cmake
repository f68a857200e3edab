# A part that is missing is named, with its package, and is an error where ELBO_REQUIRE asks for it.
#   cmake -DSOURCE=… -DWORK=FOLDER -DPREFIX_PATH=… -P run.cmake
function(configure result output)
  file(REMOVE_RECURSE ${WORK})
  execute_process(
    COMMAND ${CMAKE_COMMAND} -S ${SOURCE} -B ${WORK} -DELBO_TESTS=OFF -DCMAKE_PREFIX_PATH=${PREFIX_PATH}
            -DCMAKE_DISABLE_FIND_PACKAGE_SQLite3=ON ${ARGN}
    RESULT_VARIABLE status OUTPUT_VARIABLE text ERROR_VARIABLE text)
  string(REGEX REPLACE "[ \n]+" " " text "${text}")
  set(${result} ${status} PARENT_SCOPE)
  set(${output} "${text}" PARENT_SCOPE)
endfunction()

function(expect status wanted text pattern)
  if((status EQUAL 0 AND NOT wanted EQUAL 0) OR (NOT status EQUAL 0 AND wanted EQUAL 0)
     OR NOT text MATCHES "${pattern}")
    message(FATAL_ERROR "exit ${status}, expected ${wanted} and ${pattern}:\n${text}")
  endif()
endfunction()

configure(status text)
expect("${status}" 0 "${text}" "SQLite left out: .*libsqlite3-dev")
file(READ ${WORK}/parts.cpp parts)
expect(0 0 "${parts}" "SQLite., false")
configure(status text -DELBO_REQUIRE=all)
expect("${status}" 1 "${text}" "left out: .*SQLite .libsqlite3-dev.")
configure(status text "-DELBO_REQUIRE=SQLite")
expect("${status}" 1 "${text}" "SQLite .libsqlite3-dev.")
configure(status text "-DELBO_REQUIRE=Sqlite")
expect("${status}" 1 "${text}" "ELBO_REQUIRE: Sqlite; known: all, .*SQLite")
file(REMOVE_RECURSE ${WORK})
