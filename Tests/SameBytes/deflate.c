// Compresses pieces of 1 byte to 64 KiB, each hundreds of times, wherever data, tables, stack and result may lie and
// whatever stands around them, and says when the bytes are not always the same. Prints a digest of them all.
#include "deflate.h"

#include <alloca.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { most = 1 << 16, room = 4 * most, runs = 300 };

static uint64_t state = 88172645463325252u;

static uint32_t noise(void) {
  state ^= state << 13, state ^= state >> 7, state ^= state << 17;
  return (uint32_t)(state >> 32);
}

static void scribble(uint8_t *bytes, size_t count) {
  for (size_t i = 0; i < count; i += 4) {
    uint32_t word = noise();
    memcpy(bytes + i, &word, count - i < 4 ? count - i : 4);
  }
}

// Rows of a soft picture with grain: what strips and tiles hold.
static void draw(uint8_t *bytes, size_t count, unsigned kind) {
  for (size_t i = 0; i < count; i++) {
    unsigned soft = 128 + (unsigned)(i % 320 / 5) - (unsigned)(i / 320 % 64);
    bytes[i] = (uint8_t)(kind == 0 ? soft + noise() % 3 : kind == 1 ? soft / 8 : kind == 2 ? 7 : noise());
  }
}

static size_t at_depth(size_t depth, const uint8_t *bytes, size_t count, int level, codec_deflate_form form,
                       uint8_t *tables, uint8_t *out) {
  volatile uint8_t *pad = alloca(depth);
  pad[0] = pad[depth - 1] = (uint8_t)depth;
  return codec_deflate(bytes, count, level, form, tables, out, 2 * most);
}

int main(int count, char **arguments) {
  // Where things lie differs from process to process; what is compressed does not.
  uint64_t seed = count > 1 ? strtoull(arguments[1], NULL, 10) : 1;
  size_t tables_size = codec_deflate_tables();
  uint8_t *data = malloc(room), *tables = malloc(tables_size + room), *out = malloc(room);
  uint8_t *piece = malloc(most), *first = malloc(2 * most);
  uint64_t digest = 14695981039346656037u;
  for (size_t size = 1; size <= most; size += 1 + size / 24) {
    for (unsigned kind = 0; kind < 4; kind++) {
      int level = 1 + (int)(size + kind) % 2;
      codec_deflate_form form = (codec_deflate_form)((size + kind) % 3);
      state = 1000 * size + kind + 1;
      draw(piece, size, kind);
      state = (state + 1) * (seed + 1) | 1;
      size_t wanted = 0;
      for (int run = 0; run < runs / 4; run++) {
        size_t from = 64 + noise() % (room - most - 128), to = noise() % (room - 2 * most), table = noise() % room;
        scribble(data + from - 64, 64);
        memcpy(data + from, piece, size);
        scribble(data + from + size, 64);
        // Tables lie where the allocator puts them: on a cache line, or on 16 bytes.
        table = table / 16 * 16;
        scribble(tables + table, 4096);
        size_t got = at_depth(1 + noise() % 70000, data + from, size, level, form, tables + table, out + to);
        if (run == 0) memcpy(first, out + to, wanted = got);
        if (got == 0 || got != wanted || memcmp(first, out + to, got) != 0) {
          printf("%zu bytes of kind %u at level %d: other bytes in run %d\n", size, kind, level, run);
          return 1;
        }
      }
      for (size_t i = 0; i < wanted; i++) digest = (digest ^ first[i]) * 1099511628211u;
    }
  }
  printf("%016llx\n", (unsigned long long)digest);
  return 0;
}
