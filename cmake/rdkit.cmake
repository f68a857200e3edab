# Debian's RDKit has no package file: it is found by a header and its libraries. Its headers include
# Boost's, which are a package of their own.
find_path(RDKIT_INCLUDE_DIR GraphMol/GraphMol.h PATH_SUFFIXES rdkit)
find_path(BOOST_INCLUDE_DIR boost/shared_ptr.hpp)
set(RDKIT_LIBRARIES "")
set(rdkit_needs "RDKIT_INCLUDE_DIR=RDKit's headers" "BOOST_INCLUDE_DIR=Boost's headers")
foreach(part GraphMol SmilesParse SubstructMatch Descriptors Fingerprints ChemTransforms MolDraw2D
        Depictor DataStructs RDGeometryLib RDGeneral)
  find_library(RDKIT_${part} RDKit${part})
  list(APPEND RDKIT_LIBRARIES ${RDKIT_${part}})
  list(APPEND rdkit_needs "RDKIT_${part}=libRDKit${part}")
endforeach()
add_part(RDKit ELBO_RDKIT "librdkit-dev libboost-dev"
         "properties, checks and pictures of molecules" ${rdkit_needs})
