#pragma once

#include <string>
#include <vector>

namespace elbo {

/// Every rule of the language: aromatic rings with and without hydrogens, charges, isotopes, both
/// kinds of stereo, ring numbers of two digits, dots, bonds within rings.
inline const std::vector<std::string> kWritten = {"C",
                                                  "CCO",
                                                  "c1ccccc1",
                                                  "c1cc[nH]c1",
                                                  "Cn1cccc1",
                                                  "c1ccoc1",
                                                  "O=c1cc[nH]c(=O)[nH]1",
                                                  "c1ccc2c(c1)Cc1ccccc1-2",
                                                  "c1ccc(-c2ccccc2)cc1",
                                                  "c1ccccc1c1ccccc1",
                                                  "C[N+](C)(C)C",
                                                  "CC(=O)[O-]",
                                                  "[O-][n+]1ccccc1",
                                                  "O=[N+]([O-])c1ccccc1",
                                                  "[13CH4]",
                                                  "[2H]O[2H]",
                                                  "[Na+].[Cl-]",
                                                  "F/C=C/F",
                                                  "F/C=C\\F",
                                                  "C(/F)=C/F",
                                                  "F\\C(Cl)=C(/F)Cl",
                                                  "C/1=C/CCCCCC1",
                                                  "N[C@@H](C)C(=O)O",
                                                  "C[C@H](N)C(=O)O",
                                                  "[C@H](F)(Cl)Br",
                                                  "C[C@]1(F)CCCC[C@@H]1O",
                                                  "OC[C@H]1OC(O)[C@H](O)[C@@H](O)[C@@H]1O",
                                                  "C[S@](=O)c1ccccc1",
                                                  "C[S@@]1(=O)CCN1",
                                                  "C1CC2CCC1C2",
                                                  "C%11CC%12CCC%11C%12",
                                                  "C12C3C4C1C5C2C3C45",
                                                  "c1cc2ccc3cccc4ccc(c1)c2c34",
                                                  "c1cccc2cccc2c1",
                                                  "C1=CC=CC=CC=C1",
                                                  "CP(=O)(O)O",
                                                  "C[Si](C)(C)C",
                                                  "[nH]1c2ccccc2c2ccccc12",
                                                  "c1cc[n+](C)cc1",
                                                  "C[n+]1cc[nH]c1",
                                                  "[cH-]1cccc1",
                                                  "o1cccc1",
                                                  "c1c[o+]ccc1",
                                                  "C#N",
                                                  "C1CCCCCCCCCCCCCCCCCCCCCCCCCCCCCC1",
                                                  "CC(C)(C)c1cc(C(C)(C)C)cc(C(C)(C)C)c1",
                                                  "c1cnn[n-]1"};

}  // namespace elbo
