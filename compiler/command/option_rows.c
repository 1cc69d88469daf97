/* option_rows.c - the tables of commands and options. */
#include "option_rows.h"

#include <string.h>

const CommandRow command_rows[COMMANDS] = {
#define COMMAND(name, operand, doc) {#name, operand, doc},
#include "commands.def"
#undef COMMAND
};

enum {
  C = 1 << COMMAND_compile,
  K = 1 << COMMAND_check,
  I = 1 << COMMAND_info,
  R = 1 << COMMAND_run,
  E = 1 << COMMAND_eval,
  T = 1 << COMMAND_train,
  B = 1 << COMMAND_bench,
  M = 1 << COMMAND_machine,
  O = 1 << COMMAND_ops,
  ALL = (1 << COMMANDS) - 1
};

const char *const weights_as_names[] = {"", "embed", "object", "file", "extern", NULL};
static const char *const parallel_names[] = {"openmp", "none", NULL};
static const char *const diagnostics_names[] = {"text", "json", NULL};
static const char *const monitor_names[] = {"accuracy", "loss", NULL};
/* f32, f64, then the other precisions of plan.h. */
static const char *const dtype_names[] = {"f32", "f64", "tf32", "bf16", "f16", "f32x3", NULL};

#define AT(member) offsetof(Options, member)
const OptionRow option_rows[] = {
    {"output", 'o', "FILE", OPTION_TEXT, AT(output), C | R | M,
     .doc = "compile: NAME.c or NAME.cu, with NAME.h beside it (default: here, named like the "
            "network's file); run: NAME.npy; machine: NAME.json (default: print it)"},
    {"train", 0, NULL, OPTION_FLAG, AT(train), C | K | I | B, true,
     .doc = "with backward pass, loss and optimiser step"},
    {"input-grad", 0, NULL, OPTION_FLAG, AT(input_grad), C | I, true,
     .doc = "with --train: backward also returns the gradient of the loss by each f32 input"},
    {"selftest", 0, NULL, OPTION_FLAG, AT(selftest), C, true,
     .doc = "also emit NAME_selftest, under #ifdef NAME_SELFTEST: kernels against a plain "
            "reference, gradients against differences"},
    {"batch", 0, "N", OPTION_NUMBER, AT(batch), C | I | T | B, true, 1, 1 << 20,
     .doc = "largest batch (default 1, in training 32)"},
    {"max-memory", 0, "BYTES", OPTION_BYTES, AT(max_memory), C | I | T, true,
     .doc =
         "limit for training with one thread (512M, 2G): what backward needs is computed again as "
         "far as it does not fit"},
    {"input-shape", 0, "[NAME=]CxHxW", OPTION_LIST, AT(input_shape), C | K | I | R | E | T | B,
     true, .doc = "another shape for an input"},
    {"outputs", 0, "LAYER,...", OPTION_COMMAS, AT(outputs), C | K | I | R | B, true,
     .doc = "the activations to return, in place of the network's own"},
    {"target", 0, "T,...", OPTION_TEXT, AT(target), C | I | R | E | T | B | M,
     .doc =
         "machine to emit for, as `cnnc targets` lists them (default native; sm_80 for NAME.cu); "
         "of several, a library in C takes the first that its processor has"},
    {"machine", 0, "FILE", OPTION_TEXT, AT(machine), C | I | R | E | T | B,
     .doc = "estimate with the numbers of this file, as `cnnc machine` writes them; native: with "
            "those of this machine (default for --target native, otherwise the target's own)"},
    {"dtype", 0, "TYPE", OPTION_CHOICE, AT(dtype), C | I | R | E, true, .choices = dtype_names,
     .doc =
         "arithmetic: f32, or f64 to verify with (C, without vectors); in CUDA products of tf32, "
         "bf16, f16 or f32x3 (nearly f32) by tensor cores, with sums in f32"},
    {"weights", 0, "FILE", OPTION_TEXT, AT(weights), C | R | E | T,
     .doc = "parameters (safetensors): compile bakes them in, train begins with them"},
    {"weights-as", 0, "FORM", OPTION_CHOICE, AT(weights_as), C, .choices = weights_as_names,
     .doc =
         "baked weights as C arrays, an object file, a file to be mapped, or behind a pointer of "
         "the program's (default: embed under 1 MB, else file)"},
    {"algo", 0, "LAYER[:ROLE]=NAME", OPTION_LIST, AT(algo), C | I | R | E | T, true,
     .doc = "force an algorithm for a layer, in training for its role fwd, dgrad or wgrad; "
            "'*=direct' for all"},
    {"plan", 0, "FILE", OPTION_TEXT, AT(plan), C | I | R | E | T,
     .doc = "take the algorithms, tiles and layouts that a plan file says (JSON)"},
    {"save-plan", 0, "FILE", OPTION_TEXT, AT(save_plan), C | I | B,
     .doc = "write a plan file of all that was chosen; --plan reads it"},
    {"tune", 0, NULL, OPTION_FLAG, AT(tune), C,
     .doc = "measure on this machine instead of estimating; --save-plan (default NAME.plan.json) "
            "keeps the answers, and what --plan has measured is not measured again"},
    {"max-error", 0, "E", OPTION_REAL, AT(max_error), C | I | R | E | T | B, true,
     .doc = "refuse algorithms with a larger relative rms error against double (default 1e-5; "
            "training is stricter)"},
    {"prefix", 0, "NAME", OPTION_TEXT, AT(prefix), C, true,
     .doc =
         "prefix of all public symbols (default: the network's name, net_NAME where NAME is a word "
         "of C, C++, their headers or emitted code)"},
    {"parallel", 0, "HOW", OPTION_CHOICE, AT(parallel), C, true, .choices = parallel_names,
     .doc =
         "threads through OpenMP where the C compiler has it, or only through the caller's hook"},
    {"profile", 0, NULL, OPTION_FLAG, AT(profile), C, true,
     .doc = "emit timers around the kernels, which print a table and a Chrome trace"},
    {"report", 0, "FILE", OPTION_TEXT, AT(report), C,
     .doc = "write a page: graph, algorithms and why, memory over time, first-layer filters"},
    {"build", 0, NULL, OPTION_FLAG, AT(build), C, .doc = "also build libNAME.a and libNAME.so"},
    {"python", 0, NULL, OPTION_FLAG, AT(python), C,
     .doc = "also write NAME.py, the library in Python, through ctypes and NumPy"},
    {"cc", 0, "CC", OPTION_TEXT, AT(cc), C | R | E | T | B | M, .doc = "C compiler (default cc)"},
    {"nvcc", 0, "NVCC", OPTION_TEXT, AT(nvcc), C, .doc = "CUDA compiler (default nvcc)"},
    {"dump", 0, "PASS", OPTION_COMMAS, AT(dump), C | I,
     .doc = "print the program as it is after a pass of the list below, or after each: all"},
    {"explain", 0, NULL, OPTION_FLAG, AT(explain), C | I,
     .doc = "for each layer the candidates, their estimated times, reasons of refusal"},
    {"no-validate", 0, NULL, OPTION_FLAG, AT(no_validate), C | R | E | T,
     .doc = "skip the check of what was emitted"},
    {"MF", 0, "FILE", OPTION_TEXT, AT(make_rule), C, .doc = "write a make rule of all files read"},
    {"json", 0, NULL, OPTION_FLAG, AT(json), I, .doc = "as JSON"},
    {"csv", 0, "FILE", OPTION_TEXT, AT(csv_file), B, .doc = "write the measurements as a table"},
    {"json", 0, "FILE", OPTION_TEXT, AT(json_file), B,
     .doc = "write the measurements and the machine as JSON"},
    {"html", 0, "FILE", OPTION_TEXT, AT(html_file), B, .doc = "write a page with charts"},
    {"shapes", 0, "FILE", OPTION_TEXT, AT(shapes), B,
     .doc = "measure the convolutions of a table (CSV) in place of a network's"},
    {"within", 0, "F", OPTION_REAL, AT(within), B,
     .doc = "measure only what is estimated to take at most F times as long as the best"},
    {"cold", 0, NULL, OPTION_FLAG, AT(cold), B,
     .doc = "weights come from memory, as in a network whose parameters exceed the caches"},
    {"seconds", 0, "S", OPTION_REAL, AT(seconds), C | B,
     .doc = "for each measurement of bench and --tune (default 0.2)"},
    {"markdown", 0, NULL, OPTION_FLAG, AT(markdown), O, .doc = "as a page in Markdown"},
    {"schema", 0, NULL, OPTION_FLAG, AT(schema), O,
     .doc = "as a JSON Schema of network documents, for editors"},
    {"input", 0, "[NAME=]FILE", OPTION_LIST, AT(input), R,
     .doc = "what to infer from: .npy as the network takes it, or a picture (png, jpg, ppm, pgm), "
            "prepared as its input says"},
    {"seed", 0, "N", OPTION_NUMBER, AT(seed), R | T, .max = INT64_MAX, .given = AT(seeded),
     .doc = "run: parameters from the network's initialisers instead of --weights; train: "
            "these and the order of samples (default 0)"},
    {"interpret", 0, NULL, OPTION_FLAG, AT(interpret), R | E,
     .doc = "in the interpreter, in double, before any pass; nothing is built"},
    {"data", 0, "DIR", OPTION_TEXT, AT(data), E | T,
     .doc = "folder with MNIST (idx) or CIFAR (bin) files, x_train.npy and y_train.npy, x_test.npy "
            "and y_test.npy (x.npy and y.npy serve as both parts), or train/CLASS/FILE and "
            "test/CLASS/FILE with pictures (png, jpg, ppm, pgm) or sounds (wav)"},
    {"predictions", 0, "FILE", OPTION_TEXT, AT(predictions), E,
     .doc = "write the class of each image, one byte an image"},
    {"epochs", 0, "N", OPTION_NUMBER, AT(epochs), T, .min = 1, .max = 1 << 20,
     .doc = "how often all samples are seen (default 10)"},
    {"save", 0, "FILE", OPTION_TEXT, AT(save), T,
     .doc = "where the parameters go (safetensors); FILE.checkpoint keeps what --resume needs"},
    {"init-from", 0, "FILE", OPTION_TEXT, AT(init_from), T,
     .doc =
         "begin with what fits of another network's parameters (safetensors), by name and shape; "
         "the others are initialised"},
    {"resume", 0, NULL, OPTION_FLAG, AT(resume), T,
     .doc = "go on from the checkpoint beside --save, with the same bits"},
    {"log", 0, "FILE", OPTION_TEXT, AT(log), T, .doc = "write a line for each epoch (CSV)"},
    {"augment", 0, "WORD,...", OPTION_COMMAS, AT(augment), T,
     .doc = "change samples at random while training, e.g. shift=2,flip; the list is below"},
    {"validation", 0, "FRACTION", OPTION_FRACTION, AT(validation), T,
     .doc =
         "hold out this part of the training samples, drawn by --seed, to validate with; default: "
         "the data set's test part validates"},
    {"patience", 0, "N", OPTION_NUMBER, AT(patience), T, .min = 1, .max = 1 << 20,
     .doc = "stop after N epochs without a better validation; --save keeps the best parameters"},
    {"monitor", 0, "WHAT", OPTION_CHOICE, AT(monitor), T, .choices = monitor_names,
     .doc = "what better means to --patience and to a schedule that waits for a plateau"},
    {"gradient-norms", 0, NULL, OPTION_FLAG, AT(gradient_norms), T,
     .doc = "after each epoch, and in --log, how long each layer's gradient is"},
    {"threads", 0, "N", OPTION_NUMBER, AT(threads), C | R | E | T | B, .min = 1, .max = 1024,
     .doc = "threads (default: one for each processor)"},
    {"runner", 0, "PREFIX", OPTION_TEXT, AT(runner), C | R | E | T | B | M,
     .doc = "start what was built through this command, e.g. \"qemu-aarch64 -L "
            "/usr/aarch64-linux-gnu\""},
    {"diagnostics", 0, "FORM", OPTION_CHOICE, AT(diagnostics), C | K | I | R | E | T | B | M,
     .choices = diagnostics_names, .doc = "form of messages"},
    {"help", 'h', NULL, OPTION_FLAG, AT(help), ALL, .doc = "this text"},
    {"version", 'v', NULL, OPTION_FLAG, AT(version), ALL, .doc = "the version"},
};

const int option_count = COUNT(option_rows);

bool option_known(const OptionRow *row, Command command) {
  return row->commands & 1u << command;
}

const OptionRow *option_find(const char *name, size_t length, Command command) {
  const OptionRow *found = NULL;
  for (int i = 0; i < option_count; i++)
    if (strlen(option_rows[i].name) == length && strncmp(option_rows[i].name, name, length) == 0 &&
        (!found || option_known(&option_rows[i], command)))
      found = &option_rows[i];
  return found;
}

/* -MF is the one long option with a single dash: compilers spell it so. */
const char *option_spelled(Arena *arena, const OptionRow *row) {
  return arena_printf(arena, "%s%s", strcmp(row->name, "MF") == 0 ? "-" : "--", row->name);
}
