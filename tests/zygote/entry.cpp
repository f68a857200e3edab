// The program's own main under another name: what the forked children run.
#define main elbo_main
#include "elbo/cli/main.cpp"
