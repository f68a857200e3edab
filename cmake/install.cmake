# `cmake --install`: the program, the headers, a shared library of the same objects, and what
# find_package(elbo) reads.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/elbo)

include(cmake/public_headers.cmake)

# Two libraries. libelbo has everything; libelbo_distributions is the part of it that needs libtorch
# alone. A program links one of them: both would hold the same registries twice, and CMake refuses.
function(add_shared name exported)
  add_library(${name} SHARED ${ARGN})
  target_compile_features(${name} INTERFACE cxx_std_20)
  target_include_directories(${name} INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_link_options(${name} PRIVATE
                      "-Wl,--version-script=${PROJECT_SOURCE_DIR}/cmake/exports.map")
  set_target_properties(${name} PROPERTIES
    OUTPUT_NAME ${exported}
    EXPORT_NAME ${exported}
    LINKER_LANGUAGE CXX
    LINK_DEPENDS ${PROJECT_SOURCE_DIR}/cmake/exports.map
    VERSION ${PROJECT_VERSION}
    SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}
    INTERFACE_ELBO_LIBRARY ${exported}
    COMPATIBLE_INTERFACE_STRING ELBO_LIBRARY
    # A libtorch outside of the system's folders is found again after the installation.
    INSTALL_RPATH_USE_LINK_PATH ON)
endfunction()

# What a program does to its own process (threads, allocator, a second start) is not for a library.
add_shared(elbo_shared elbo "$<FILTER:$<TARGET_OBJECTS:elbo_objects>,EXCLUDE,/elbo/host/|/Unity/unity_host_>")
target_link_libraries(elbo_shared PRIVATE $<TARGET_PROPERTY:elbo_objects,INTERFACE_LINK_LIBRARIES>)
add_shared(elbo_distributions_shared elbo_distributions
           "$<FILTER:$<TARGET_OBJECTS:elbo_objects>,INCLUDE,/elbo/(core|kernels|distributions)/|/Unity/unity_(core|kernels|distributions)_>")
target_link_libraries(elbo_distributions_shared PRIVATE ${TORCH_LIBRARIES} OpenMP::OpenMP_CXX)
set_target_properties(elbo_distributions_shared PROPERTIES EXPORT_NAME distributions)
set_target_properties(elbo_core PROPERTIES INSTALL_RPATH_USE_LINK_PATH ON)

public_headers(headers)
install(TARGETS elbo_program RUNTIME)
install(TARGETS elbo_core RUNTIME DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/elbo)
install(TARGETS elbo_shared elbo_distributions_shared EXPORT elbo LIBRARY)
foreach(header IN LISTS headers)
  get_filename_component(folder ${header} DIRECTORY)
  install(FILES src/${header} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/${folder})
endforeach()
install(EXPORT elbo NAMESPACE elbo:: FILE elboTargets.cmake DESTINATION ${package_dir})

# Into the Python package, beside its modules: python/elbo/_library.py looks there first.
install(TARGETS elbo_shared LIBRARY DESTINATION elbo/lib COMPONENT python EXCLUDE_FROM_ALL
        NAMELINK_SKIP)
# What the package says and compares before it loads the library.
file(GENERATE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/libtorch.json CONTENT "{\"version\": \"${Torch_VERSION}\"}\n")
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/libtorch.json DESTINATION elbo/lib COMPONENT python EXCLUDE_FROM_ALL)

configure_package_config_file(cmake/elboConfig.cmake.in ${CMAKE_CURRENT_BINARY_DIR}/elboConfig.cmake
                              INSTALL_DESTINATION ${package_dir})
# Before 1.0 a minor version may change the interface.
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/elboConfigVersion.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES cmake/torch.cmake ${CMAKE_CURRENT_BINARY_DIR}/elboConfig.cmake
              ${CMAKE_CURRENT_BINARY_DIR}/elboConfigVersion.cmake
        DESTINATION ${package_dir})
