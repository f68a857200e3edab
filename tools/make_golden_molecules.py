"""Properties of molecules by python3-rdkit -> tests/golden/molecules.json; run where that is installed.

The first list is written out here. Of ZINC (molecules/zinc24k.smi under the folder given) only
numbers are kept, by line: its molecules stay where they are.
"""
import json
import os
import pathlib
import sys

from rdkit import Chem, RDConfig, RDLogger, rdBase
from rdkit.Chem import AllChem, Crippen, QED, rdMolDescriptors
from rdkit.Chem.Scaffolds import MurckoScaffold
from rdkit.DataStructs import TanimotoSimilarity

sys.path.append(os.path.join(RDConfig.RDContribDir, "SA_Score"))
import sascorer  # noqa: E402

RDLogger.DisableLog("rdApp.*")

# Solvents, drugs, dyes, sugars, ions, cages: every branch of the formulas.
WRITTEN = """
C CC CCO CC(=O)O c1ccccc1 Cc1ccccc1 c1ccncc1 c1cc[nH]c1 c1ccoc1 c1ccsc1 C1CCCCC1 C1CC1 C1CCNCC1
CC(C)=O CCN(CC)CC CS(C)=O CC#N C=C C#C O=C=O [NH4+] CC(=O)[O-] C[N+](C)(C)C [O-][N+](=O)c1ccccc1
CC(=O)Oc1ccccc1C(=O)O CC(=O)Nc1ccc(O)cc1 CC(C)Cc1ccc(cc1)C(C)C(=O)O CN1C=NC2=C1C(=O)N(C)C(=O)N2C
CN1CCC[C@H]1c1cccnc1 C[C@H](N)C(=O)O N[C@@H](Cc1ccccc1)C(=O)O OC[C@H]1OC(O)[C@H](O)[C@@H](O)[C@@H]1O
CC(C)(C)NCC(O)c1ccc(O)c(CO)c1 CN(C)CCOC(c1ccccc1)c1ccccc1 CCOC(=O)C1=C(C)NC(C)=C(C1c1ccccc1)C(=O)OC
Clc1ccccc1 Brc1ccccc1 Ic1ccccc1 FC(F)(F)c1ccccc1 ClCCl ClC(Cl)Cl FC(F)F BrCCBr CI OB(O)c1ccccc1
C1=CC=CC=CC=C1 c1ccc2ccccc2c1 c1ccc2c(c1)ccc1ccccc12 c1ccc2[nH]ccc2c1 c1ccc2ncccc2c1 c1cnc2ncncc2n1
C1CC2CCC1C2 C1C2CC3CC1CC(C2)C3 C1CC12CCCC2 C1CCC2(CC1)OCCO2 C1CCCCCCCCCCC1 C1CCCCCCCC1
CC/C=C/C C/C=C\\C F/C=C/F OC(=O)/C=C/c1ccccc1 C[C@@H]1CCCC[C@H]1O CC1(C)C2CCC1(C)C(=O)C2
CSC CSSC CS(=O)(=O)N c1ccc(cc1)S(=O)(=O)N OS(=O)(=O)C CP(=O)(OC)OC c1ccccc1P(c1ccccc1)c1ccccc1
NC(N)=O NC(=N)N CN=C=O CC(=O)C(=O)C CC=O C=CC=O N=Nc1ccccc1 c1ccccc1N=Nc1ccccc1 CNN CC(=O)NO
N=C(CCSCc1csc(N=C(N)N)n1)NS(N)(=O)=O CNC(=NCCSCc1nc[nH]c1C)NC#N CCCCCNC(=N)NN=Cc1c[nH]c2ccc(CO)cc12
CC(C)NCC(O)COc1cccc2ccccc12 COc1cc2c(cc1OC)CCN1C2CC(CC(C)C)C(=O)C1 CN1C2CCC1CC(C2)OC(=O)C(CO)c1ccccc1
CC(C)n1c(C=CC(O)CC(O)CC(=O)O)c(-c2ccc(F)cc2)c2ccccc12 Cc1ccc(cc1Nc1nccc(n1)-c1cccnc1)NC(=O)c1ccccc1
O=C(O)c1ccccc1O Oc1ccc(O)cc1 O=C1C=CC(=O)C=C1 O=C1NC(=O)c2ccccc12 O=c1cc(-c2ccccc2)oc2ccccc12
[Na+].CC(=O)[O-] [13CH4] [2H]O[2H] C[Si](C)(C)C [H][H] CCCCCCCCCCCCCCCC CCCCCC=CCC=CCCCCCCCC(=O)O
""".split()


def facts(smiles):
    m = Chem.MolFromSmiles(smiles)
    return {
        "qed": QED.qed(m),
        "sa": sascorer.calculateScore(m),
        "logp": Crippen.MolLogP(m),
        "tpsa": rdMolDescriptors.CalcTPSA(m),
        "weight": rdMolDescriptors._CalcMolWt(m),
        "rings": rdMolDescriptors.CalcNumRings(m),
        "donors": rdMolDescriptors.CalcNumHBD(m),
        "acceptors": rdMolDescriptors.CalcNumHBA(m),
        "rotatable": rdMolDescriptors.CalcNumRotatableBonds(m),
    }


def written():
    rows = []
    first = AllChem.GetMorganFingerprintAsBitVect(Chem.MolFromSmiles(WRITTEN[4]), 2, 2048)
    for smiles in WRITTEN:
        m = Chem.MolFromSmiles(smiles)
        bits = AllChem.GetMorganFingerprintAsBitVect(m, 2, 2048)
        core = MurckoScaffold.GetScaffoldForMol(m)
        rows.append({
            "smiles": smiles,
            "canonical": Chem.MolToSmiles(m),
            "scaffold": Chem.MolToSmiles(core),
            "benzene": TanimotoSimilarity(first, bits),
            **facts(smiles),
        })
    return rows


def main(folder):
    lines = (pathlib.Path(folder) / "molecules/zinc24k.smi").read_text().split()[:1000]
    zinc = [[round(facts(s)[name], 9) for name in ("qed", "sa", "logp", "tpsa")] for s in lines]
    out = pathlib.Path(__file__).resolve().parent.parent / "tests/golden/molecules.json"
    text = json.dumps({"rdkit": rdBase.rdkitVersion, "written": written()}, indent=1)
    out.write_text(text[:-2] + ',\n "zinc": ' + json.dumps(zinc, separators=(",", ":")) + "\n}\n")


main(sys.argv[1])
