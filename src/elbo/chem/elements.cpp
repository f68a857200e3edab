#include "elbo/chem/elements.h"

#include <cctype>
#include <map>
#include <set>
#include <sstream>

namespace elbo {
namespace {

constexpr const char* kElements =
    "H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se "
    "Br Kr Rb Sr Y Zr Nb Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Ce Pr Nd Pm Sm Eu Gd Tb "
    "Dy Ho Er Tm Yb Lu Hf Ta W Re Os Ir Pt Au Hg Tl Pb Bi Po At Rn Fr Ra Ac Th Pa U Np Pu Am Cm "
    "Bk Cf Es Fm Md No Lr Rf Db Sg Bh Hs Mt Ds Rg Cn Nh Fl Mc Lv Ts Og";

const std::set<std::string>& elements() {
  static const std::set<std::string> all = [] {
    std::istringstream words(kElements);
    std::set<std::string> set;
    for (std::string word; words >> word;) set.insert(word);
    return set;
  }();
  return all;
}

/// "N+1" for an atom of this element and charge.
std::string charged(const std::string& element, int charge) {
  if (charge == 0) return element;
  return element + (charge > 0 ? "+" : "") + std::to_string(charge);
}

}  // namespace

bool is_element(const std::string& symbol) { return elements().count(symbol) > 0; }

bool is_aromatic_element(const std::string& symbol) {
  static const std::set<std::string> all{"b", "c", "n", "o", "p", "s", "as", "se", "te", "si"};
  return all.count(symbol) > 0;
}

bool is_organic(const std::string& symbol) {
  static const std::set<std::string> all{"B", "C", "N", "O", "P", "S", "F", "Cl", "Br", "I"};
  return all.count(symbol) > 0;
}

bool is_organic_aromatic(const std::string& symbol) {
  static const std::set<std::string> all{"b", "c", "n", "o", "p", "s"};
  return all.count(symbol) > 0;
}

std::string as_element(std::string symbol) {
  symbol[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(symbol[0])));
  return symbol;
}

int bonding_capacity(const std::string& element, int charge) {
  static const std::map<std::string, int> published = {
      {"H", 1},   {"F", 1},   {"Cl", 1}, {"Br", 1},  {"I", 1},   {"B", 3},
      {"B+1", 2}, {"B-1", 4}, {"O", 2},  {"O+1", 3}, {"O-1", 1}, {"N", 3},
      {"N+1", 4}, {"N-1", 2}, {"C", 4},  {"C+1", 3}, {"C-1", 3}, {"P", 5},
      {"P+1", 4}, {"P-1", 6}, {"S", 6},  {"S+1", 5}, {"S-1", 5}};
  static const std::map<std::string, int> further = {
      {"Si", 4}, {"Ge", 4}, {"Sn", 4},   {"Se", 6},   {"Te", 6},  {"As", 5}, {"Al", 3},
      {"Li", 1}, {"Na", 1}, {"K", 1},    {"Mg", 2},   {"Ca", 2},  {"Zn", 2}, {"He", 0},
      {"Ne", 0}, {"Ar", 0}, {"Se+1", 3}, {"Se-1", 1}, {"As+1", 4}};
  constexpr int kOther = 8;  // the published "?"
  const auto known = published.find(charged(element, charge));
  if (known != published.end()) return known->second;
  const auto other = further.find(charged(element, charge));
  if (other != further.end()) return other->second;
  // An ion that no rule names has no bonds: no valence of metals' ions allows many.
  return charge != 0 ? 0 : kOther;
}

}  // namespace elbo
