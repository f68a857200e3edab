# Compiles several sources of a folder as one: reading libtorch's headers costs more than most parts.
# Names local to a file must then differ within its folder; the two that every part has are told
# apart here.
function(compile_together target size)
  get_target_property(sources ${target} SOURCES)
  foreach(source IN LISTS sources)
    if(source MATCHES "/(dnnl_[a-z_]*|[a-z]*_files|http_server|main)\\.cpp$")
      continue()  # their local names are those of the API they wrap
    endif()
    get_filename_component(folder ${source} DIRECTORY)
    get_filename_component(folder ${folder} NAME)
    math(EXPR group "${count_${folder}} + 0")
    math(EXPR count_${folder} "${group} + 1")
    math(EXPR group "${group} / ${size}")
    set_source_files_properties(${source} PROPERTIES UNITY_GROUP ${folder}_${group})
  endforeach()
  set_target_properties(
    ${target}
    PROPERTIES UNITY_BUILD ON
               UNITY_BUILD_MODE GROUP
               UNITY_BUILD_UNIQUE_ID ELBO_FILE
               UNITY_BUILD_CODE_BEFORE_INCLUDE
               "#define ELBO_JOIN_(a, b) a##b
#define ELBO_JOIN(a, b) ELBO_JOIN_(a, b)
#define added ELBO_JOIN(added_, ELBO_FILE)
#define kWhere ELBO_JOIN(kWhere_, ELBO_FILE)")
endfunction()
