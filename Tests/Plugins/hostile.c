// A plug-in that does all that a plug-in should not. The macro TABLE makes one whose table is wrong; without it the
// parameter `mode` says what goes wrong, and `at` in which rows of the picture.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "imbrex_filter.h"

enum { mode, at, deep, secret };

static int is_mode(const imbrex_value *values, const char *name) { return strcmp(values[mode].text, name) == 0; }

static int reach(const imbrex_value *values, imbrex_reach *reach, char *message) {
  (void)message;
  reach->top = reach->bottom = reach->left = reach->right = (int32_t)values[deep].integer;
  if (is_mode(values, "crash-reach")) abort();
  if (is_mode(values, "refuse")) return snprintf(message, IMBREX_MESSAGE_SIZE, "does not like\nthese values") > 0;
  if (is_mode(values, "boundary")) reach->boundary = 77;
  if (is_mode(values, "wrap")) reach->boundary = IMBREX_WRAP;
  return 0;
}

static int output(const imbrex_value *values, const imbrex_picture *input, imbrex_picture *output, char *message) {
  if (is_mode(values, "crash-output")) raise(SIGBUS);
  if (is_mode(values, "choosy")) {
    snprintf(message, IMBREX_MESSAGE_SIZE, "takes gray pictures only");
    return input->channels != 1;
  }
  if (is_mode(values, "grow")) output->width++;
  if (is_mode(values, "type")) output->type = 3;
  if (is_mode(values, "channels")) output->channels = -1;
  return 0;
}

static void copy(const imbrex_tile *tile) {
  size_t count = (size_t)tile->width * (size_t)tile->input.channels * (size_t)tile->input.type;
  for (int32_t y = 0; y < tile->height; y++) {
    memcpy((char *)tile->target + y * tile->target_stride, (const char *)tile->source + y * tile->source_stride, count);
  }
}

static int apply(const imbrex_value *values, const imbrex_tile *tile, char *message) {
  volatile char *target = tile->target;
  const ptrdiff_t bytes = (ptrdiff_t)tile->width * tile->output.channels * tile->output.type;
  copy(tile);
  if (is_mode(values, "wrap")) {
    // What the ghosts are: the sample `deep` rows above and columns to the left.
    for (int32_t y = 0; y < tile->height; y++) {
      for (ptrdiff_t i = 0; i < bytes; i++) {
        target[y * tile->target_stride + i] =
            ((const char *)tile->source)[(y - values[deep].integer) * tile->source_stride + i -
                                         values[deep].integer * tile->input.channels * tile->input.type];
      }
    }
  }
  // What depends on the tile.
  if (is_mode(values, "seams")) target[0] = 1;
  if (values[at].integer < tile->y || values[at].integer >= tile->y + tile->height) return 0;
  if (is_mode(values, "crash")) *(volatile int *)8 = 1;
  if (is_mode(values, "abort")) {
    fprintf(stderr, "something\nis very wrong\n");
    abort();
  }
  if (is_mode(values, "exit")) exit(0);
  if (is_mode(values, "leave")) _exit(3);
  if (is_mode(values, "hang")) {
    for (;;) pause();
  }
  if (is_mode(values, "fork") && fork() == 0) {
    for (;;) pause();
  }
  // What it leaves behind holds its pipes open; outside its group nobody ends it.
  if (is_mode(values, "orphan") || is_mode(values, "daemon")) {
    if (fork() != 0) abort();
    if (is_mode(values, "daemon")) setsid();
    sleep(30);
    _exit(0);
  }
  if (is_mode(values, "fail")) return snprintf(message, IMBREX_MESSAGE_SIZE, "finds nothing here") > 0;
  if (is_mode(values, "fail-silently")) return 9;
  if (is_mode(values, "long-message")) {
    memset(message, 'x', IMBREX_MESSAGE_SIZE);
    return 1;
  }
  if (is_mode(values, "right")) target[bytes] ^= 1;
  if (is_mode(values, "left")) target[-1] ^= 1;
  if (is_mode(values, "below")) target[tile->height * tile->target_stride] ^= 1;
  if (is_mode(values, "far")) memset(tile->target, 1, (size_t)tile->height * (size_t)tile->target_stride + 200000);
  if (is_mode(values, "source")) *(volatile char *)tile->source = 1;
  if (is_mode(values, "flood")) {
    for (int i = 0; i < 100000; i++) fprintf(stderr, "line %d of many\n", i);
  }
  if (is_mode(values, "print")) puts("this is not part of the picture");
  if (is_mode(values, "close")) {
    for (int descriptor = 0; descriptor < 100; descriptor++) close(descriptor);
    for (;;) pause();
  }
  return 0;
}

static const imbrex_parameter parameters[] = {
    {.name = "mode", .help = "What goes wrong.", .type = IMBREX_TEXT, .default_text = "nothing"},
    {.name = "at", .help = "The row.", .type = IMBREX_INTEGER, .minimum = 0, .maximum = 1e6},
    {.name = "deep", .help = "Ghosts.", .type = IMBREX_INTEGER, .minimum = -1e9, .maximum = 1e9},
    {.name = "secret", .help = "Nothing.", .type = IMBREX_NUMBER},
};

#define PLAIN                                                                                               \
  .version = IMBREX_FILTER_VERSION, .name = "hostile", .help = "Do what goes wrong.", .parameter_count = 4, \
  .parameters = parameters, .reach = reach, .output = output, .apply = apply

#ifdef TABLE
static const char *const no_words[] = {NULL};
static const imbrex_parameter wrong_parameters[][1] = {
    {{.name = "a b", .help = "", .type = IMBREX_NUMBER}},
    {{.name = "a", .help = NULL, .type = IMBREX_NUMBER}},
    {{.name = "a", .help = "", .type = 9}},
    {{.name = "a", .help = "", .type = IMBREX_NUMBER, .minimum = 2, .maximum = 1}},
    {{.name = "a", .help = "", .type = IMBREX_NUMBER, .minimum = 1, .maximum = 2}},
    {{.name = "a", .help = "", .type = IMBREX_CHOICE, .choices = no_words}},
    {{.name = "a", .help = "", .type = IMBREX_CHOICE}},
    {{.name = "a", .help = "", .type = IMBREX_INTEGER, .default_number = 0.5}},
};
#define PARAMETER(index) \
  { PLAIN, .parameter_count = 1, .parameters = wrong_parameters[index] }

#pragma clang diagnostic ignored "-Winitializer-overrides"
#pragma GCC diagnostic ignored "-Woverride-init"
static const imbrex_filter wrong[] = {
    {PLAIN, .version = 7},
    {PLAIN, .name = NULL},
    {PLAIN, .name = "not a name"},
    {PLAIN, .help = NULL},
    {PLAIN, .apply = NULL},
    {PLAIN, .types = 64},
    {PLAIN, .parameter_count = -1},
    {PLAIN, .parameters = NULL},
    PARAMETER(0),
    PARAMETER(1),
    PARAMETER(2),
    PARAMETER(3),
    PARAMETER(4),
    PARAMETER(5),
    PARAMETER(6),
    PARAMETER(7),
};

const imbrex_filter *const *imbrex_filters(int32_t version) {
  static const imbrex_filter *list[2];
  // Which one the environment says: a library for each would take long to build.
  int number = atoi(getenv("HOSTILE_TABLE") ? getenv("HOSTILE_TABLE") : "0");
  (void)version;
  if (number == -1) return NULL;
  if (number == -2) return list;
  if (number == -3) abort();
  if (number == -4) return (const imbrex_filter *const *)16;
  if (number == -5) {
    for (;;) pause();
  }
  if (number == -6) exit(0);
  list[0] = &wrong[number];
  return list;
}
#else
const imbrex_filter *const *imbrex_filters(int32_t version) {
  static const imbrex_filter hostile = {PLAIN};
  static const imbrex_filter *const all[] = {&hostile, NULL};
  return version == IMBREX_FILTER_VERSION ? all : NULL;
}
#endif
