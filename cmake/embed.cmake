# embed(<output.cpp> <name> <NAME|NAME_WE> <files…>): text files into the program, as
#   std::vector<std::pair<std::string, std::string>> elbo::embedded_<name>()
# of names, with or without (NAME_WE) their ending, and texts.
# Text is cut into pieces because a string literal has a length limit.
function(embed output name key)
  set(target ${CMAKE_CURRENT_BINARY_DIR}/${output})
  add_custom_command(
    OUTPUT ${target}
    COMMAND ${CMAKE_COMMAND} "-DOUT=${target}" "-DNAME=${name}" "-DKEY=${key}" "-DFILES=${ARGN}"
            -P ${CMAKE_CURRENT_SOURCE_DIR}/cmake/embed_write.cmake
    DEPENDS ${ARGN} ${CMAKE_CURRENT_SOURCE_DIR}/cmake/embed_write.cmake
    VERBATIM)
endfunction()
