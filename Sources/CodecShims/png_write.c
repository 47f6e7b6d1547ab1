// PNG's writer, over libpng. Only a picture that is to be interlaced is held here.
#include "png_common.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

struct codec_png_writer {
  png_structp png;
  png_infop info;
  jmp_buf jump;
  codec_error failure;
  uint32_t height;
  uint32_t row;  ///< The next to come.
  size_t row_bytes;
  codec_held held;  ///< All rows, if they are to be interlaced.
  bool in_blocks;   ///< Blocks are appended instead of rows written …
  uint32_t adler;   ///< … with this checksum up to here.
  const codec_item *late_items;
  size_t late_item_count;
  codec_sink sink;
};

static void writer_failed(png_structp png, png_const_charp message) {
  codec_png_writer *writer = png_get_error_ptr(png);
  png_record_error(&writer->failure, message);
  longjmp(writer->jump, 1);
}

static void writer_warned(png_structp png, png_const_charp message) {
  (void)png;
  (void)message;
}

static void write_bytes(png_structp png, png_bytep bytes, size_t count) {
  codec_png_writer *writer = png_get_io_ptr(png);
  if (codec_sink_write(&writer->sink, bytes, count) == 0) return;
  codec_fail_write(&writer->failure, writer->sink.system_errno);
  longjmp(writer->jump, 1);
}

static void flush_bytes(png_structp png) {
  (void)png;  // Once, in finish.
}

static png_uint_32 rounded(double value) {
  return value < 1 ? 1 : value > INT32_MAX ? INT32_MAX : (png_uint_32)(value + 0.5);
}

static void set_resolution(codec_png_writer *writer, const codec_header *header) {
  if (!(header->x_resolution > 0 && header->y_resolution > 0)) return;
  double scale = 1;
  if (header->resolution_unit == codec_unit_inch) scale = 1 / 0.0254;
  if (header->resolution_unit == codec_unit_cm) scale = 100;
  int unit = header->resolution_unit == codec_unit_none ? PNG_RESOLUTION_UNKNOWN : PNG_RESOLUTION_METER;
  png_set_pHYs(writer->png, writer->info, rounded(header->x_resolution * scale), rounded(header->y_resolution * scale),
               unit);
}

static int color_type_of(const codec_header *header) {
  return (header->color == codec_rgb ? PNG_COLOR_MASK_COLOR : 0) |
         (header->alpha != codec_alpha_none ? PNG_COLOR_MASK_ALPHA : 0);
}

/// As they were; the names are checked by whoever made the items.
static void write_items(png_structp png, const codec_item *items, size_t count) {
  for (size_t i = 0; i < count; i++) {
    const codec_item *item = &items[i];
    uint8_t name[5] = {(uint8_t)(item->tag >> 24), (uint8_t)(item->tag >> 16), (uint8_t)(item->tag >> 8),
                       (uint8_t)item->tag, 0};
    if (item->byte_count > INT32_MAX - 64) continue;
    switch (item->kind) {
      case codec_item_png: png_write_chunk(png, name, item->bytes, item->byte_count); break;
      case codec_item_exif: png_write_chunk(png, (png_const_bytep) "eXIf", item->bytes, item->byte_count); break;
      case codec_item_xmp: {
        static const uint8_t flags[4] = {0};
        png_write_chunk_start(png, (png_const_bytep) "iTXt", (png_uint_32)(XMP_PREFIX + item->byte_count));
        png_write_chunk_data(png, (png_const_bytep)xmp_keyword, sizeof xmp_keyword);
        png_write_chunk_data(png, flags, sizeof flags);
        png_write_chunk_data(png, item->bytes, item->byte_count);
        png_write_chunk_end(png);
        break;
      }
      case codec_item_comment: {
        static const char keyword[] = "Comment";
        png_write_chunk_start(png, (png_const_bytep) "tEXt", (png_uint_32)(sizeof keyword + item->byte_count));
        png_write_chunk_data(png, (png_const_bytep)keyword, sizeof keyword);
        png_write_chunk_data(png, item->bytes, item->byte_count);
        png_write_chunk_end(png);
        break;
      }
      default: break;
    }
  }
}

static void write_header(codec_png_writer *writer, const codec_header *header, const codec_options *options) {
  writer->png = png_create_write_struct(PNG_LIBPNG_VER_STRING, writer, writer_failed, writer_warned);
  if (writer->png != NULL) writer->info = png_create_info_struct(writer->png);
  if (writer->info == NULL) {
    codec_fail_memory(&writer->failure);
    return;
  }
  png_structp png = writer->png;
  png_set_write_fn(png, writer, write_bytes, flush_bytes);
  // A profile that libpng finds unfit (a colour one in a gray picture) is left out rather than the picture refused.
  png_set_benign_errors(png, 1);
  png_set_user_limits(png, INT32_MAX, INT32_MAX);
  if (options->compression >= 0) png_set_compression_level(png, options->compression);
  png_set_IHDR(png, writer->info, header->width, header->height, header->sample_type == codec_uint16 ? 16 : 8,
               color_type_of(header), header->png_interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  if (header->icc_profile != NULL && header->icc_profile_count > 0 && header->icc_profile_count <= UINT32_MAX) {
    png_set_iCCP(png, writer->info, "icc", PNG_COMPRESSION_TYPE_DEFAULT, header->icc_profile,
                 (png_uint_32)header->icc_profile_count);
  }
  set_resolution(writer, header);
  png_write_info(png, writer->info);
  write_items(png, header->items, header->item_count);
  if (!CODEC_BIG_ENDIAN_HOST && header->sample_type == codec_uint16) png_set_swap(png);
  png_set_interlace_handling(png);
}

int32_t codec_png_create(int fd, const codec_header *header, const codec_options *options, codec_png_writer **writer,
                         codec_error *error) {
  *writer = NULL;
  if (codec_check_header(header, error) != codec_ok) return error->status;
  if (codec_check_simple(header, "PNG", false, error) != codec_ok) return error->status;
  if (header->alpha == codec_alpha_premultiplied) {
    return codec_fail(error, codec_unsupported, 0, "PNG cannot hold premultiplied alpha");
  }
  codec_png_writer *created = calloc(1, sizeof *created);
  if (created == NULL) return codec_fail_memory(error);
  created->height = header->height;
  created->row_bytes = codec_row_bytes(header);
  codec_sink_start(&created->sink, fd);
  if (header->png_interlaced) {
    codec_hold(&created->held, created->row_bytes, created->height, options->max_memory, &created->failure);
  }
  if (created->failure.status == codec_ok && setjmp(created->jump) == 0) write_header(created, header, options);
  if (created->failure.status != codec_ok) {
    int32_t status = codec_report(&created->failure, error);
    codec_png_discard(created);
    return status;
  }
  *writer = created;
  return codec_ok;
}

static void write_rows(codec_png_writer *writer, const uint8_t *rows, size_t stride, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) png_write_row(writer->png, rows + i * stride);
}

int32_t codec_png_write_rows(codec_png_writer *writer, const void *rows, size_t stride, uint32_t count,
                             codec_error *error) {
  if (writer->failure.status != codec_ok) return codec_report(&writer->failure, error);
  if (codec_check_rows(writer->row, count, writer->height, error) != codec_ok) return error->status;
  if (writer->held.bytes != NULL) {
    codec_copy_rows(writer->held.bytes + (size_t)writer->row * writer->row_bytes, writer->row_bytes, rows, stride,
                    writer->row_bytes, count);
    codec_held_touch(&writer->held, writer->row_bytes * count);
  } else if (setjmp(writer->jump) == 0) {
    write_rows(writer, rows, stride, count);
  }
  writer->row += count;
  return codec_report(&writer->failure, error);
}

static void append_block(codec_png_writer *writer, const codec_png_encoded *encoded) {
  writer->adler = writer->in_blocks
                      ? (uint32_t)adler32_combine(writer->adler, encoded->adler, (z_off_t)encoded->raw_count)
                      : encoded->adler;
  writer->in_blocks = true;
  uint8_t trailer[4] = {(uint8_t)(writer->adler >> 24), (uint8_t)(writer->adler >> 16), (uint8_t)(writer->adler >> 8),
                        (uint8_t)writer->adler};
  size_t trailer_count = encoded->is_last ? sizeof trailer : 0;
  png_write_chunk_start(writer->png, (png_const_bytep) "IDAT", (png_uint_32)(encoded->count + trailer_count));
  png_write_chunk_data(writer->png, encoded->bytes, encoded->count);
  if (trailer_count > 0) png_write_chunk_data(writer->png, trailer, trailer_count);
  png_write_chunk_end(writer->png);
}

int32_t codec_png_append_block(codec_png_writer *writer, const codec_png_encoded *encoded, codec_error *error) {
  if (writer->failure.status != codec_ok) return codec_report(&writer->failure, error);
  if (codec_check_rows(writer->row, encoded->rows, writer->height, error) != codec_ok) return error->status;
  if (setjmp(writer->jump) == 0) append_block(writer, encoded);
  writer->row += encoded->rows;
  return codec_report(&writer->failure, error);
}

static void write_end(codec_png_writer *writer) {
  if (writer->held.bytes != NULL) {
    for (int pass = 0; pass < PNG_INTERLACE_ADAM7_PASSES; pass++) {
      for (uint32_t y = 0; y < writer->height; y++) {
        write_rows(writer, writer->held.bytes + (size_t)y * writer->row_bytes, writer->row_bytes, 1);
        codec_held_touch(&writer->held, writer->row_bytes);
      }
    }
  }
  write_items(writer->png, writer->late_items, writer->late_item_count);
  if (writer->in_blocks) {
    // libpng has not seen the samples and would miss them.
    png_write_chunk(writer->png, (png_const_bytep) "IEND", NULL, 0);
  } else {
    png_write_end(writer->png, writer->info);
  }
  if (codec_sink_flush(&writer->sink) != 0) codec_fail_write(&writer->failure, writer->sink.system_errno);
}

int32_t codec_png_finish(codec_png_writer *writer, codec_error *error) {
  if (writer->failure.status != codec_ok) return codec_report(&writer->failure, error);
  if (codec_check_complete(writer->row, writer->height, error) != codec_ok) return error->status;
  if (setjmp(writer->jump) == 0) write_end(writer);
  return codec_report(&writer->failure, error);
}

void codec_png_add_late_items(codec_png_writer *writer, const codec_item *items, size_t count) {
  writer->late_items = items;
  writer->late_item_count = count;
}

void codec_png_discard(codec_png_writer *writer) {
  if (writer == NULL) return;
  if (writer->png != NULL) png_destroy_write_struct(&writer->png, &writer->info);
  codec_held_free(&writer->held);
  free(writer);
}
