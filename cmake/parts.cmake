# The optional parts of the program, each with a library of its own. None is left out silently:
# CMake ends with their list, `elbo doctor` repeats it, and ELBO_REQUIRE makes a missing one an error.
set(ELBO_REQUIRE "" CACHE STRING "Optional parts that must be there: all, or names: RDKit;SQLite")
set(part_names "")

# add_part(<name> <variable> <packages> <what is lost> <needs…>): the part is in use where all that it
# needs was found; a need is `VARIABLE=what it holds`, as find_path() and find_library() set it.
# Sets <variable>.
macro(add_part name variable packages lost)
  set(${variable} ON)
  set(part_missing "")
  foreach(need ${ARGN})
    string(REGEX MATCH "^([^=]*)=(.*)$" part_matched "${need}")
    if(NOT ${CMAKE_MATCH_1})
      set(${variable} OFF)
      list(APPEND part_missing "${CMAKE_MATCH_2}")
    endif()
  endforeach()
  list(JOIN part_missing ", " part_${name}_missing)
  set(part_${name}_packages ${packages})
  set(part_${name}_lost ${lost})
  set(part_${name} ${${variable}})
  list(APPEND part_names ${name})
endmacro()

# As elbo::build_parts() (core/parts.h).
function(write_parts output)
  set(entries "")
  foreach(name IN LISTS part_names)
    set(in_use "false")
    if(part_${name})
      set(in_use "true")
    endif()
    string(APPEND entries "      {\"${name}\", ${in_use}, \"${part_${name}_missing}\",\n"
           "       \"${part_${name}_lost}\", \"${part_${name}_packages}\"},\n")
  endforeach()
  file(CONFIGURE OUTPUT ${output} @ONLY CONTENT [[
#include "elbo/core/parts.h"

namespace elbo {
const std::vector<BuildPart>& build_parts() {
  static const std::vector<BuildPart> parts = {
@entries@  };
  return parts;
}
const char* build_version() { return "@PROJECT_VERSION@"; }
}  // namespace elbo
]])
endfunction()

function(report_parts)
  set(refused "")
  message(STATUS "Optional parts:")
  foreach(name IN LISTS part_names)
    string(LENGTH "${name}" length)
    math(EXPR length "12 - ${length}")
    string(REPEAT " " ${length} gap)
    if(part_${name})
      message(STATUS "  ${name}${gap}in use")
      continue()
    endif()
    message(STATUS "  ${name}${gap}left out: not found: ${part_${name}_missing}; without it: "
                   "${part_${name}_lost}; Debian packages: ${part_${name}_packages}")
    if("all" IN_LIST ELBO_REQUIRE OR "${name}" IN_LIST ELBO_REQUIRE)
      list(APPEND refused "${name} (${part_${name}_packages})")
    endif()
  endforeach()
  foreach(name IN LISTS ELBO_REQUIRE)
    if(NOT name STREQUAL "all" AND NOT name IN_LIST part_names)
      list(JOIN part_names ", " known)
      message(FATAL_ERROR "ELBO_REQUIRE: ${name}; known: all, ${known}")
    endif()
  endforeach()
  if(refused)
    list(JOIN refused ", " refused)
    message(FATAL_ERROR "ELBO_REQUIRE asks for what is left out: ${refused}; scripts/setup.sh installs it")
  endif()
endfunction()
