# `cmake --install`: the program, the headers, a shared library of the same objects, and what
# find_package(elbo) reads.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/elbo)

add_library(elbo_shared SHARED)
target_link_libraries(elbo_shared PRIVATE elbo_objects)
target_compile_features(elbo_shared INTERFACE cxx_std_20)
target_include_directories(elbo_shared INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
set_target_properties(elbo_shared PROPERTIES
  OUTPUT_NAME elbo
  EXPORT_NAME elbo
  LINKER_LANGUAGE CXX
  VERSION ${PROJECT_VERSION}
  SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
# A libtorch outside of the system's folders is found again after the installation.
set_target_properties(elbo_shared elbo_program PROPERTIES INSTALL_RPATH_USE_LINK_PATH ON)

install(TARGETS elbo_program RUNTIME)
install(TARGETS elbo_shared EXPORT elbo LIBRARY)
install(DIRECTORY src/elbo DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        FILES_MATCHING PATTERN *.h PATTERN cli EXCLUDE PATTERN pch.h EXCLUDE
        PATTERN rdkit_data.h EXCLUDE)
install(EXPORT elbo NAMESPACE elbo:: FILE elboTargets.cmake DESTINATION ${package_dir})

configure_package_config_file(cmake/elboConfig.cmake.in ${CMAKE_CURRENT_BINARY_DIR}/elboConfig.cmake
                              INSTALL_DESTINATION ${package_dir})
# Before 1.0 a minor version may change the interface.
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/elboConfigVersion.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/elboConfig.cmake
              ${CMAKE_CURRENT_BINARY_DIR}/elboConfigVersion.cmake
        DESTINATION ${package_dir})
