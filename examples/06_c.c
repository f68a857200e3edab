/* The C interface: trains on rows of this program, then encodes, samples and scores them. Any
   language that can call C has the same functions. */
#include <elbo/elbo.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { kRows = 600, kColumns = 6 };

/* Ends the program where a call has failed. */
static void must(elbo_status status) {
  if (status == ELBO_OK) return;
  fprintf(stderr, "%s\n", elbo_last_error());
  exit(1);
}

static float noise(void) { return (float)rand() / (float)RAND_MAX - 0.5f; }

/* Six columns that follow one hidden number. */
static void fill(float* x) {
  for (int r = 0; r < kRows; ++r) {
    const float hidden = 4.0f * noise();
    for (int i = 0; i < kColumns; ++i)
      x[r * kColumns + i] = hidden * (float)(i - 2) + 0.3f * noise();
  }
}

static void print_line(void* user, const char* json) {
  (void)user;
  printf("%s\n", json);
}

int main(int count, char** arguments) {
  static float x[kRows * kColumns];
  fill(x);
  const elbo_array array = {x, ELBO_FLOAT32, 2, {kRows, kColumns}, {0}};
  elbo_data* data = NULL;
  must(elbo_data_array(&array, NULL, NULL, &data));

  char request[256];
  snprintf(request, sizeof request,
           "{\"model\": \"vae\", \"set\": {\"latent.size\": 2}, \"force\": true,"
           " \"train\": {\"epochs\": 40, \"steps\": %d}}",
           count > 1 ? atoi(arguments[1]) : 0);
  const elbo_callbacks calls = {NULL, NULL, print_line, NULL};
  elbo_run* run = NULL;
  must(elbo_train(data, request, "example_06_c_run", &calls, &run));

  int64_t size = 0;
  must(elbo_run_code_size(run, &size));
  float* codes = malloc(sizeof(float) * kRows * (size_t)size);
  must(elbo_encode(run, data, NULL, codes, NULL, NULL));
  float drawn[3 * kColumns];
  must(elbo_sample(run, 3, "{\"show\": \"draw\", \"seed\": 1}", drawn, NULL));
  static double scores[kRows];
  must(elbo_score(run, data, "{\"draws\": 20}", scores, NULL));

  int finite = 1;
  double mean = 0;
  for (int r = 0; r < kRows; ++r) mean += scores[r] / kRows;
  for (int i = 0; i < kRows * size; ++i) finite = finite && isfinite(codes[i]);
  printf("code of row 0: %g %g\nsample: %g %g %g ...\nmean -log p(x): %g nats\n", codes[0],
         codes[1], drawn[0], drawn[1], drawn[2], mean);

  /* A mistake is a status and a sentence. */
  const int refused = elbo_score(run, data, "{\"draws\": 0}", scores, NULL) == ELBO_INVALID;
  printf("draws 0: %s\n", elbo_last_error());
  free(codes);
  elbo_run_free(run);
  elbo_data_free(data);
  return finite && isfinite(mean) && refused ? 0 : 1;
}
