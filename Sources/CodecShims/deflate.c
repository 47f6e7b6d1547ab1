#include "deflate.h"

#include <isa-l/igzip_lib.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

// ISA-L 2.30 (igzip_icf_body_h1_gr_bt.asm, `.write_first_byte`) puts the third byte of a stream into a bucket of its
// hash table that it takes not from the data but from the bits from 16 on of the stream structure's address, which lies
// in that register at that time. So what it finds there depends on where the structure lies. All structures here begin
// in one window of 64 KiB, at an address that is the same in every process. Only their heads are written: buffer and
// hash table behind them belong to the calls that keep a history, which are not used.

#define WINDOW ((size_t)1 << 16)
#define HEAD offsetof(struct isal_zstream, internal_state.buffer)
#define SLOT ((HEAD + 63) / 64 * 64)
#define SLOTS (WINDOW / SLOT)

static uint8_t *window;
static _Atomic uint8_t is_taken[WINDOW / 128];

/// Reserves the window. Where the address is taken, which no known system does, streams lie wherever there is room.
static void reserve(void) {
#if defined(__linux__) && defined(MAP_FIXED_NOREPLACE)
  void *wanted = (void *)(uintptr_t)0x4000000000;  // NOLINT: an address, not a pointer to anything
  void *found = mmap(wanted, WINDOW + sizeof(struct isal_zstream), PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
  if (found == MAP_FAILED) return;
  if (found == wanted) {
    window = found;
  } else {
    munmap(found, WINDOW + sizeof(struct isal_zstream));
  }
#endif
}

static struct isal_zstream *take(size_t *slot) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, reserve);
  for (*slot = 0; window != NULL && *slot < SLOTS; (*slot)++) {
    uint8_t free_slot = 0;
    if (atomic_compare_exchange_strong(&is_taken[*slot], &free_slot, 1)) return (void *)(window + *slot * SLOT);
  }
  return NULL;
}

size_t codec_deflate_tables(void) {
  return ISAL_DEF_LVL2_DEFAULT > ISAL_DEF_LVL1_DEFAULT ? ISAL_DEF_LVL2_DEFAULT : ISAL_DEF_LVL1_DEFAULT;
}

static size_t run(struct isal_zstream *stream, const uint8_t *bytes, size_t count, int level, codec_deflate_form form,
                  uint8_t *tables, uint8_t *out, size_t capacity) {
  isal_deflate_stateless_init(stream);
  stream->level = (uint32_t)level;
  stream->level_buf = tables;
  stream->level_buf_size = level == 1 ? ISAL_DEF_LVL1_DEFAULT : ISAL_DEF_LVL2_DEFAULT;
  stream->next_in = (uint8_t *)bytes;
  stream->avail_in = (uint32_t)count;
  stream->next_out = out;
  stream->avail_out = (uint32_t)capacity;
  stream->flush = form == deflate_block ? FULL_FLUSH : NO_FLUSH;
  stream->end_of_stream = form == deflate_block ? 0 : 1;
  stream->gzip_flag = form == deflate_zlib ? IGZIP_ZLIB : IGZIP_DEFLATE;
  return isal_deflate_stateless(stream) == COMP_OK ? stream->total_out : 0;
}

size_t codec_deflate(const uint8_t *bytes, size_t count, int level, codec_deflate_form form, uint8_t *tables,
                     uint8_t *out, size_t capacity) {
  size_t slot;
  struct isal_zstream *stream = take(&slot);
  if (stream == NULL) {
    struct isal_zstream own;
    return run(&own, bytes, count, level, form, tables, out, capacity);
  }
  size_t size = run(stream, bytes, count, level, form, tables, out, capacity);
  atomic_store(&is_taken[slot], 0);
  return size;
}
