# Compiles several sources of a folder as one: what libtorch's headers leave to instantiate costs each
# object two seconds, precompiled or not. Names local to a file must then differ within its folder
# (tools/check_style.py sees to it).
function(compile_together target size)
  get_target_property(sources ${target} SOURCES)
  foreach(source IN LISTS sources)
    if(source MATCHES "/main\\.cpp$")
      continue()
    endif()
    get_filename_component(folder ${source} DIRECTORY)
    get_filename_component(folder ${folder} NAME)
    math(EXPR group "${count_${folder}} + 0")
    math(EXPR count_${folder} "${group} + 1")
    math(EXPR group "${group} / ${size}")
    set_source_files_properties(${source} PROPERTIES UNITY_GROUP ${folder}_${group})
  endforeach()
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
endfunction()

# One source that includes these: for files with flags of their own, which the above leaves alone.
function(write_together file)
  set(text "")
  foreach(source IN LISTS ARGN)
    get_filename_component(path ${source} ABSOLUTE BASE_DIR ${PROJECT_SOURCE_DIR})
    string(APPEND text "#include \"${path}\"\n")
  endforeach()
  file(CONFIGURE OUTPUT ${file} CONTENT "${text}" @ONLY)
endfunction()

# Files with flags of their own: sets <name>_sources. Where sources are compiled together that is one
# file, which then stands for them in `sources`.
macro(set_apart name pattern)
  set(${name}_sources ${sources})
  list(FILTER ${name}_sources INCLUDE REGEX "${pattern}")
  if(ELBO_UNITY AND ${name}_sources)
    list(REMOVE_ITEM sources ${${name}_sources})
    write_together(Unity/unity_${name}.cpp ${${name}_sources})
    set(${name}_sources ${CMAKE_CURRENT_BINARY_DIR}/Unity/unity_${name}.cpp)
    list(APPEND sources ${${name}_sources})
  endif()
endmacro()
