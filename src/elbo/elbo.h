#pragma once

/*
 * elbo for C, and for every language that can call C.
 *
 * Conventions
 * - A function returns ELBO_OK or another status; elbo_last_error() of the same thread then holds
 * one line, the one that the program would print. No C++ exception leaves a function.
 * - Handles are opaque; each elbo_..._free() takes NULL. Texts given out through `char**` belong to
 * the caller, who returns them to elbo_text_free(). Texts are UTF-8.
 * - Options are JSON objects with the names that the program's flags have; NULL is the empty
 * object. An unknown name, a wrong type or range is ELBO_INVALID.
 * - Threads: any thread may call any function. Calls that compute wait for each other, since they
 *   share libtorch's random generator, which is left as it was found. A handle must not be freed
 * while a call uses it.
 * - The library prints nothing, keeps signal handlers as they are, and gives back the number of
 * threads that it found.
 */

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ELBO_C_API __attribute__((visibility("default")))

/* Grows when a function or a struct changes; what is only added leaves it alone. */
#define ELBO_ABI_VERSION 1

typedef enum {
  ELBO_OK = 0,
  ELBO_INVALID = 1, /* an argument, a file or an option: the message says which */
  ELBO_OUT_OF_MEMORY = 2,
  ELBO_STOPPED = 3,  /* a callback asked to stop; what had been reached is kept */
  ELBO_INTERNAL = 70 /* a defect of the library */
} elbo_status;

/* "0.1.0". */
ELBO_C_API const char* elbo_version(void);
ELBO_C_API int32_t elbo_abi_version(void);
/* What the last call of this thread that did not return ELBO_OK had to say; "" at first. Valid
   until the next call. */
ELBO_C_API const char* elbo_last_error(void);
ELBO_C_API void elbo_text_free(char* text);
/* {"version", "libtorch", "parts": [{"name", "in_use", "missing"}]}. */
ELBO_C_API elbo_status elbo_about(char** json);
/* [{"name", "about", "options": [{"name", "help", "default"}]}] of: models, tasks, metrics, data,
   builtin, heads, networks, latents, objectives, train. */
ELBO_C_API elbo_status elbo_list(const char* what, char** json);

/* ---- Data ------------------------------------------------------------------------------------ */

typedef enum {
  ELBO_FLOAT32 = 1,
  ELBO_FLOAT64 = 2,
  ELBO_UINT8 = 3,
  ELBO_INT8 = 4,
  ELBO_INT16 = 5,
  ELBO_INT32 = 6,
  ELBO_INT64 = 7,
  ELBO_BOOL = 8,
  ELBO_FLOAT16 = 9
} elbo_type;

#define ELBO_MOST_DIMENSIONS 8

/* An array of the caller's. Strides are in bytes, not negative, multiples of the element's size;
   all 0 for C order. */
typedef struct {
  const void* data;
  int32_t type; /* elbo_type */
  int32_t dimensions;
  int64_t shape[ELBO_MOST_DIMENSIONS];
  int64_t strides[ELBO_MOST_DIMENSIONS];
} elbo_array;

typedef struct elbo_data elbo_data;   /* rows to train on or to work on */
typedef struct elbo_table elbo_table; /* named columns */
typedef struct elbo_run elbo_run;     /* a trained model in its folder */
typedef struct elbo_rows elbo_rows;   /* rows of numbers that a task has made */

/* DATA of the program: a file, folder or archive, READER:PATH, builtin:NAME. `options` are those of
   elbo train (split, rows, resize, binarize ...), with "reader" for the reader's own. */
ELBO_C_API elbo_status elbo_data_open(const char* source, const char* options, elbo_data** out);
/* Rows of an array [N, ...], read as the program reads FILE.npy: bytes [N, H, W], [N, C, H, W] and
   [N, H, W, C] are images, floats within [0, 1] shares, all others real columns; {"reader":
   {"kind": "real"}} makes them real numbers in any case. `labels` [N]: whole numbers from 0, -1 =
   unknown; NULL = none. Nothing is copied where float32 and uint8 lie in C order: the arrays must
   outlive the handle. */
ELBO_C_API elbo_status elbo_data_array(const elbo_array* x, const elbo_array* labels,
                                       const char* options, elbo_data** out);
/* Rows of a table; the types of columns are inferred as for a CSV file, or {"reader": {"types":
   "age=count,id=ignore"}}. The handle shares the table's columns, which may be freed. */
ELBO_C_API elbo_status elbo_data_table(const elbo_table* table, const char* options,
                                       elbo_data** out);
ELBO_C_API void elbo_data_free(elbo_data* data);
/* How many rows there are, as `options` leave them: the size of what calls on them write. */
ELBO_C_API elbo_status elbo_data_rows(const elbo_data* data, int64_t* rows);
/* What the rows are: shape, kind, columns, as schema.json of a run has it. */
ELBO_C_API elbo_status elbo_data_schema(const elbo_data* data, char** json);

ELBO_C_API elbo_status elbo_table_create(int64_t rows, elbo_table** out);
ELBO_C_API void elbo_table_free(elbo_table* table);
/* A column of numbers [rows], copied. Missing cells are NaN, or 0 in `valid` (NULL = all valid). */
ELBO_C_API elbo_status elbo_table_add_numbers(elbo_table* table, const char* name,
                                              const elbo_array* numbers, const uint8_t* valid);
/* A column of texts, copied: cell r is bytes[offsets[r] .. offsets[r + 1]), offsets [rows + 1]. */
ELBO_C_API elbo_status elbo_table_add_texts(elbo_table* table, const char* name, const char* bytes,
                                            const int64_t* offsets, const uint8_t* valid);
struct ArrowSchema;
struct ArrowArray;
struct ArrowArrayStream;
/* The columns of a record batch (a struct array of the Arrow C data interface): numbers, decimals
   of 128 bits, booleans, texts, dates, times, and dictionaries of texts. Copied; the caller
   releases both structs. */
ELBO_C_API elbo_status elbo_table_add_arrow(elbo_table* table, const struct ArrowSchema* schema,
                                            const struct ArrowArray* batch);
/* A table of all batches that a stream of the Arrow C stream interface still has. Copied; the
   caller releases the stream. */
ELBO_C_API elbo_status elbo_table_from_arrow(struct ArrowArrayStream* stream, elbo_table** out);
ELBO_C_API int64_t elbo_table_rows(const elbo_table* table);
ELBO_C_API int64_t elbo_table_columns(const elbo_table* table);
/* NULL where there is no such column. Valid while the table is. */
ELBO_C_API const char* elbo_table_name(const elbo_table* table, int64_t column);
/* The numbers of a column [rows], NaN = missing; NULL where it holds texts. */
ELBO_C_API const double* elbo_table_numbers(const elbo_table* table, int64_t column);
/* The texts of a column as above; ELBO_INVALID where it holds numbers. */
ELBO_C_API elbo_status elbo_table_texts(const elbo_table* table, int64_t column, const char** bytes,
                                        const int64_t** offsets, const uint8_t** valid);

/* ---- Training ---------------------------------------------------------------------------------
 */

/* Called on the thread of the call; members may be NULL, and so may the struct. */
typedef struct {
  void* user;
  /* Some ten times a second: the share done, from 0 to 1, and in training a JSON object of epoch,
     epochs, step, steps, rows (else NULL). Another value than 0 stops: ELBO_STOPPED. */
  int (*progress)(void* user, double done, const char* json);
  /* A line of the run's log.jsonl. */
  void (*log)(void* user, const char* json);
  /* A sentence about the data or the training. */
  void (*note)(void* user, const char* text);
} elbo_callbacks;

/* Trains a model into a new folder. `request`: {"model": NAME or FILE.json, "for": "anomalies" or
   "outliers" in place of a model, "set": {"objective.beta": 4}, "spec": a patch of the model (RFC
   7396), "train": {"epochs": 10, "seed": 0, ...}, "from": RUN, "force": false, "threads": 0,
   "reference": {"draws": 50, "seed": 0} of the scores of normal rows that the run keeps}.
   The run keeps what the program's does: elbo_score() and tasks need the data no more.
   ELBO_STOPPED gives a run, too, with the weights reached so far. */
ELBO_C_API elbo_status elbo_train(const elbo_data* data, const char* request, const char* folder,
                                  const elbo_callbacks* callbacks, elbo_run** out);
/* Goes on with a run; `options`: epochs, steps, patience, lr. `data`: the rows that it was trained
   on, NULL where they are read from where they were. */
ELBO_C_API elbo_status elbo_resume(elbo_run* run, const elbo_data* data, const char* options,
                                   const elbo_callbacks* callbacks);

/* ---- Runs -------------------------------------------------------------------------------------
 */

ELBO_C_API elbo_status elbo_run_open(const char* folder, elbo_run** out);
ELBO_C_API void elbo_run_free(elbo_run* run);
/* Valid while the run is. */
ELBO_C_API const char* elbo_run_path(const elbo_run* run);
/* spec.json: {"model", "spec", "train", "data", "rows"}; schema.json; the lines of log.jsonl as a
 * list. */
ELBO_C_API elbo_status elbo_run_facts(const elbo_run* run, char** json);
ELBO_C_API elbo_status elbo_run_schema(const elbo_run* run, char** json);
ELBO_C_API elbo_status elbo_run_history(const elbo_run* run, char** json);
/* Numbers of one code, and the shape of one row; `shape` has room for ELBO_MOST_DIMENSIONS. */
ELBO_C_API elbo_status elbo_run_code_size(elbo_run* run, int64_t* size);
ELBO_C_API elbo_status elbo_run_row_shape(const elbo_run* run, int64_t* shape, int32_t* dimensions);
/* Trained parameters. */
ELBO_C_API elbo_status elbo_run_parameters(elbo_run* run, int64_t* count);

/* ---- Work of a trained model ------------------------------------------------------------------
 */

/* Posterior means of all rows, [rows, code size], and their deviations where `deviations` is not
   NULL. `options`: {"seed": 0} of the binarization. */
ELBO_C_API elbo_status elbo_encode(elbo_run* run, const elbo_data* data, const char* options,
                                   float* means, float* deviations,
                                   const elbo_callbacks* callbacks);
/* The means of p(x | code), or draws, [N, row size]. `options`: value = mean | draw, condition,
   seed. codes: [N, code size]. */
ELBO_C_API elbo_status elbo_decode(elbo_run* run, const elbo_array* codes, const char* options,
                                   float* rows, const elbo_callbacks* callbacks);
/* The means of p(x | posterior mean), [rows, row size]. */
ELBO_C_API elbo_status elbo_reconstruct(elbo_run* run, const elbo_data* data, const char* options,
                                        float* rows, const elbo_callbacks* callbacks);
/* Rows from the prior, [count, row size]; options of elbo sample: value, condition, fix, where,
   temperature, seed. */
ELBO_C_API elbo_status elbo_sample(elbo_run* run, int64_t count, const char* options, float* rows,
                                   const elbo_callbacks* callbacks);
/* How unusual each row is, [rows], higher = more. `options`: score = auto | likelihood (-log p(x)
   in nats) | elbo | reconstruction | latent | ensemble as of elbo score; draws, seed; noise =
   shared (all rows meet the same draws, so that a score does not depend on the other rows) | placed
   (the draws and scores of elbo score); seen = auto | yes | no: rows may be among those of the
   training, each of which is then judged by the others (auto = where the data are all
   of the training's); strict: refuse cells of a table that training has not seen, whose rows else
   are beyond all normal ones. */
ELBO_C_API elbo_status elbo_score(elbo_run* run, const elbo_data* data, const char* options,
                                  double* scores, const elbo_callbacks* callbacks);
/* What the model says about the missing cells of a table, [rows, columns of the model] each, NaN
   where a cell is not missing: the expected values, m draws [m, rows, columns] (NULL = none), ends
   of intervals (NULL = none). Values are the model's: numbers, or places of classes;
   elbo_run_cells() spells them. `options`: m, draws, interval, seed as of elbo impute. */
ELBO_C_API elbo_status elbo_impute(elbo_run* run, const elbo_data* data, const char* options,
                                   float* values, float* draws, float* low, float* high,
                                   const elbo_callbacks* callbacks);
/* Values of a table's model [N, columns] as cells, as the data that it was trained on spell them.
   NaN = missing. */
ELBO_C_API elbo_status elbo_run_cells(const elbo_run* run, const elbo_array* values,
                                      elbo_table** out);
/* Figures of elbo evaluate as JSON, {"negative elbo", ..., "diagnosis"}. `data`: NULL = the run's
   held-out rows; where they are gone, the figures of the end of the training. `options`: draws,
   rows, seed, metrics, ... */
ELBO_C_API elbo_status elbo_evaluate(elbo_run* run, const elbo_data* data, const char* options,
                                     const elbo_callbacks* callbacks, char** json);
/* Writes encoder.onnx, decoder.onnx and sampler.onnx to a folder. */
ELBO_C_API elbo_status elbo_export_onnx(elbo_run* run, const char* folder, char** json);
/* Any task of elbo list tasks. `data` may be NULL where the task allows it. `out`: the file to
   write, NULL = its default name in the working folder, or no file where `rows` is given and
   receives what the file would hold. `json` receives the result that --json prints. */
ELBO_C_API elbo_status elbo_run_task(elbo_run* run, const char* name, const elbo_data* data,
                                     const char* options, const char* out,
                                     const elbo_callbacks* callbacks, elbo_rows** rows,
                                     char** json);
/* float32 in C order, valid while the handle is. */
ELBO_C_API elbo_status elbo_rows_view(const elbo_rows* rows, elbo_array* view);
ELBO_C_API void elbo_rows_free(elbo_rows* rows);

#ifdef __cplusplus
}
#endif
