# Debian's RDKit has no package file: it is found by a header and its libraries.
find_path(RDKIT_INCLUDE_DIR GraphMol/GraphMol.h PATH_SUFFIXES rdkit)
set(RDKIT_LIBRARIES "")
foreach(part GraphMol SmilesParse SubstructMatch Descriptors Fingerprints ChemTransforms MolDraw2D
        Depictor DataStructs RDGeometryLib RDGeneral)
  find_library(RDKIT_${part} RDKit${part})
  list(APPEND RDKIT_LIBRARIES ${RDKIT_${part}})
endforeach()
find_package(Boost QUIET)

set(ELBO_RDKIT OFF)
if(RDKIT_INCLUDE_DIR AND Boost_FOUND AND NOT "${RDKIT_LIBRARIES}" MATCHES "NOTFOUND")
  set(ELBO_RDKIT ON)
endif()
