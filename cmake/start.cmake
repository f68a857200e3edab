# The program that people start: it needs the C++ library alone, so that it is there at once, holds the
# pages of help, and becomes elbo-core for everything else.
include(GNUInstallDirs)
set(help_text ${CMAKE_CURRENT_BINARY_DIR}/help_pages.txt)
add_custom_command(
  OUTPUT ${help_text}
  COMMAND ${CMAKE_COMMAND} -DPROGRAM=$<TARGET_FILE:elbo_core> -DOUT=${help_text}
          -P ${PROJECT_SOURCE_DIR}/cmake/help_pages.cmake
  DEPENDS elbo_core ${PROJECT_SOURCE_DIR}/cmake/help_pages.cmake
  VERBATIM)
embed(page_files.cpp pages NAME_WE ${help_text})
add_executable(elbo_program src/elbo/cli/start/main.cpp src/elbo/host/start.cpp
               ${CMAKE_CURRENT_BINARY_DIR}/page_files.cpp)
set_target_properties(elbo_program PROPERTIES OUTPUT_NAME elbo)
target_compile_features(elbo_program PRIVATE cxx_std_20)
target_compile_options(elbo_program PRIVATE ${ELBO_WARNINGS} -Wpedantic)
target_include_directories(elbo_program PRIVATE src)
file(RELATIVE_PATH to_libexec /${CMAKE_INSTALL_BINDIR} /${CMAKE_INSTALL_LIBEXECDIR}/elbo)
target_compile_definitions(elbo_program PRIVATE ELBO_VERSION="${PROJECT_VERSION}"
                           ELBO_TO_LIBEXEC="${to_libexec}"
                           ELBO_BINDIR="${CMAKE_INSTALL_FULL_BINDIR}")
