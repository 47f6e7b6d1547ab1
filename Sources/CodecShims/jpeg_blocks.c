// JPEG in blocks: rows between restart markers depend on no others, so that each block is compressed as a picture of
// its own, of which the entropy-coded data is kept (ITU-T T.81, B.1.1.5 and F.1.1.5.2).
#include "jpeg_common.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

/// Bytes of samples that a block has at least, where the picture has them.
#define BLOCK_BYTES ((size_t)1 << 19)

typedef struct block_writer {
  struct jpeg_compress_struct jpeg;
  struct jpeg_error_mgr hooks;
  jmp_buf jump;
  codec_error failure;
  uint8_t *inverted;  ///< A row of CMYK as Adobe has it.
  unsigned char *file;
  unsigned long count;
} block_writer;

static uint32_t divided(uint32_t value, uint32_t by) { return (value + by - 1) / by; }

/// The factors by which components of the result are coarser than its first, or 1 × 1.
static void sampling(const codec_header *header, uint32_t *h, uint32_t *v) {
  // As libjpeg's defaults.
  bool is_transformed = header->color != codec_gray && !header->jpeg_untransformed;
  *h = *v = is_transformed ? 2 : 1;
  int32_t wanted_h = header->jpeg_h_sampling, wanted_v = header->jpeg_v_sampling;
  if (header->color == codec_gray || wanted_h < 1 || wanted_v < 1 || wanted_h > MAX_SAMP_FACTOR ||
      wanted_v > MAX_SAMP_FACTOR ||
      wanted_h * wanted_v * (header->color == codec_cmyk ? 2 : 1) + 2 > C_MAX_BLOCKS_IN_MCU)
    return;
  *h = (uint32_t)wanted_h, *v = (uint32_t)wanted_v;
}

void codec_jpeg_blocks(const codec_header *header, codec_jpeg_layout *layout) {
  memset(layout, 0, sizeof *layout);
  if (header->jpeg_progressive || header->jpeg_arithmetic) return;
  uint32_t h, v;
  sampling(header, &h, &v);
  uint32_t mcus = divided(header->width, DCTSIZE * h), height = DCTSIZE * v, own = (uint32_t)header->jpeg_restart;
  // Intervals of the file that was read are kept where they are whole rows.
  if (header->jpeg_restart > 0 && (own > 65535 || own % mcus != 0)) return;
  size_t row_bytes = (size_t)header->width * header->channels;
  uint32_t unit = header->jpeg_restart > 0 ? own / mcus : 1;
  uint32_t rows = (uint32_t)((BLOCK_BYTES + row_bytes * height * unit - 1) / (row_bytes * height * unit)) * unit;
  if (header->jpeg_restart <= 0) {
    unit = rows < 65535 / mcus ? rows : 65535 / mcus;
    rows = unit;
  }
  if (unit == 0 || rows * (uint64_t)height >= header->height) return;
  layout->rows_per_block = rows * height;
  layout->interval = unit * mcus;
  layout->rows_per_interval = unit * height;
}

static void failed(j_common_ptr jpeg) {
  block_writer *writer = jpeg->client_data;
  jpeg_record_error(jpeg, &writer->failure);
  longjmp(writer->jump, 1);
}

static void ignore(j_common_ptr jpeg, int level) {
  (void)jpeg;
  (void)level;
}

static void compress(block_writer *writer, const codec_jpeg_layout *layout, const codec_header *header,
                     const codec_options *options, const uint8_t *rows, uint32_t count) {
  struct jpeg_compress_struct *jpeg = &writer->jpeg;
  jpeg_create_compress(jpeg);
  jpeg_mem_dest(jpeg, &writer->file, &writer->count);
  jpeg_set_up(jpeg, header, options);
  jpeg->image_height = count;
  jpeg->restart_interval = count > layout->rows_per_interval ? layout->interval : 0;
  jpeg->write_JFIF_header = jpeg->write_Adobe_marker = FALSE;
  jpeg_start_compress(jpeg, TRUE);
  size_t row_bytes = (size_t)header->width * header->channels;
  if (header->color == codec_cmyk && (writer->inverted = malloc(row_bytes)) == NULL) {
    codec_fail_memory(&writer->failure);
    return;
  }
  for (uint32_t y = 0; y < count; y++) {
    JSAMPROW row = (JSAMPROW)(rows + y * row_bytes);  // libjpeg reads only, but does not say const.
    for (size_t x = 0; writer->inverted != NULL && x < row_bytes; x++) writer->inverted[x] = (uint8_t)(255 - row[x]);
    if (writer->inverted != NULL) row = writer->inverted;
    jpeg_write_scanlines(jpeg, &row, 1);
  }
  jpeg_finish_compress(jpeg);
}

/// What is between the header of the scan and the end marker.
static bool keep_data(const block_writer *writer, uint32_t rows, codec_jpeg_encoded *encoded) {
  const unsigned char *file = writer->file;
  size_t at = 2, count = writer->count;
  while (at + 4 <= count && file[at] == 0xff) {
    bool is_scan = file[at + 1] == 0xda;
    at += 2 + ((size_t)file[at + 2] << 8 | file[at + 3]);
    if (!is_scan) continue;
    if (at + 2 > count) return false;
    encoded->count = count - 2 - at;
    encoded->rows = rows;
    memmove(writer->file, file + at, encoded->count);
    encoded->bytes = writer->file;
    return true;
  }
  return false;
}

int32_t codec_jpeg_encode_block(const codec_jpeg_layout *layout, const codec_header *header,
                                const codec_options *options, const uint8_t *rows, uint32_t count,
                                codec_jpeg_encoded *encoded, codec_error *error) {
  memset(encoded, 0, sizeof *encoded);
  block_writer *writer = calloc(1, sizeof *writer);
  if (writer == NULL) return codec_fail_memory(error);
  writer->jpeg.err = jpeg_std_error(&writer->hooks);
  writer->jpeg.client_data = writer;
  writer->hooks.error_exit = failed;
  writer->hooks.emit_message = ignore;
  writer->hooks.output_message = jpeg_say_nothing;
  if (setjmp(writer->jump) == 0) compress(writer, layout, header, options, rows, count);
  jpeg_destroy_compress(&writer->jpeg);
  if (writer->failure.status == codec_ok && !keep_data(writer, count, encoded))
    codec_fail(&writer->failure, codec_malformed, 0, "libjpeg has made no scan");
  int32_t status = codec_report(&writer->failure, error);
  if (status != codec_ok) free(writer->file);
  free(writer->inverted);
  free(writer);
  return status;
}

void codec_jpeg_free_block(codec_jpeg_encoded *encoded) {
  free(encoded->bytes);
  encoded->bytes = NULL;
}
