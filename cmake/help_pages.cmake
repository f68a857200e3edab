# cmake -DPROGRAM=… -DOUT=… -P help_pages.cmake: what `elbo --help` and `elbo COMMAND --help` print,
# as the program itself writes it. Nothing where it cannot be run here (another machine's program).
set(ENV{OMP_NUM_THREADS} 1)
set(ENV{ELBO_PREPARED} 1)
execute_process(COMMAND ${PROGRAM} --help-pages OUTPUT_FILE ${OUT} RESULT_VARIABLE status)
if(NOT status EQUAL 0)
  message(WARNING "${PROGRAM} does not run here: elbo --help is answered by it, not at once")
  file(WRITE ${OUT} "")
endif()
