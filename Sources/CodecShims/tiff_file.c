// libtiff on a file descriptor.
#include "tiff.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static tmsize_t memory_read(tiff_file *file, void *bytes, size_t count) {
  size_t left = file->position < file->used ? file->used - (size_t)file->position : 0;
  size_t got = count < left ? count : left;
  if (got > 0) memcpy(bytes, file->memory + file->position, got);
  file->position += got;
  return (tmsize_t)got;
}

static tmsize_t memory_write(tiff_file *file, const void *bytes, size_t count) {
  size_t end = (size_t)file->position + count;
  if (end > file->capacity) {
    size_t capacity = end + end / 2 + 4096;
    uint8_t *memory = realloc(file->memory, capacity);
    if (memory == NULL) return -1;
    file->memory = memory;
    file->capacity = capacity;
  }
  if (file->position > file->used) memset(file->memory + file->used, 0, (size_t)file->position - file->used);
  if (count > 0) memcpy(file->memory + file->position, bytes, count);
  file->position = end;
  if (end > file->used) file->used = end;
  return (tmsize_t)count;
}

static tmsize_t file_read(thandle_t handle, void *bytes, tmsize_t count) {
  tiff_file *file = handle;
  int system_errno = 0;
  if (file->fd < 0) return memory_read(file, bytes, (size_t)count);
  size_t got = codec_pread_all(file->fd, bytes, (size_t)count, file->position, &system_errno);
  for (size_t i = 0; file->patch_place > 0 && i < sizeof file->patch; i++) {
    uint64_t place = file->patch_place + i;
    if (place >= file->position && place - file->position < got) {
      ((uint8_t *)bytes)[place - file->position] = file->patch[i];
    }
  }
  file->position += got;
  if (system_errno != 0 && file->system_errno == 0) file->system_errno = system_errno;
  if (got < (size_t)count) file->hit_end = true;
  return (tmsize_t)got;
}

static tmsize_t file_write(thandle_t handle, void *bytes, tmsize_t count) {
  tiff_file *file = handle;
  if (file->fd < 0) return memory_write(file, bytes, (size_t)count);
  if (!file->muted) {
    int system_errno = codec_pwrite_all(file->fd, bytes, (size_t)count, file->position);
    if (system_errno != 0) {
      if (file->system_errno == 0) file->system_errno = system_errno;
      return -1;
    }
  }
  file->position += (uint64_t)count;
  return count;
}

static toff_t file_size(thandle_t handle) {
  tiff_file *file = handle;
  if (file->fd < 0) return file->used;
  struct stat status;
  if (fstat(file->fd, &status) != 0) {
    // To libtiff the file is empty then, and it would write over what it has.
    if (file->system_errno == 0) file->system_errno = errno;
    return 0;
  }
  return status.st_size > 0 ? (toff_t)status.st_size : 0;
}

uint64_t tiff_file_size(const tiff_file *file) { return file_size((thandle_t)file); }

static toff_t file_seek(thandle_t handle, toff_t offset, int whence) {
  tiff_file *file = handle;
  uint64_t base = whence == SEEK_CUR ? file->position : whence == SEEK_END ? file_size(handle) : 0;
  return file->position = base + offset;
}

static int file_close(thandle_t handle) {
  (void)handle;  // The descriptor is the caller's.
  return 0;
}

static int keep_first_error(TIFF *tiff, void *data, const char *module, const char *format, va_list arguments) {
  (void)tiff;
  (void)module;
  tiff_file *file = data;
  if (file->message[0] == 0) vsnprintf(file->message, sizeof file->message, format, arguments);
  return 1;  // And none to the global handler.
}

static int swallow_warning(TIFF *tiff, void *data, const char *module, const char *format, va_list arguments) {
  (void)tiff;
  (void)data;
  (void)module;
  (void)format;
  (void)arguments;
  return 1;
}

bool tiff_file_open(tiff_file *file, int fd, const char *mode) {
  memset(file, 0, sizeof *file);
  file->fd = fd;
  TIFFOpenOptions *options = libtiff.OpenOptionsAlloc();
  if (options == NULL) return false;
  libtiff.OpenOptionsSetMaxSingleMemAlloc(options, LARGEST_ALLOCATION);
  libtiff.OpenOptionsSetErrorHandlerExtR(options, keep_first_error, file);
  libtiff.OpenOptionsSetWarningHandlerExtR(options, swallow_warning, file);
  file->tiff = libtiff.ClientOpenExt("TIFF", mode, file, file_read, file_write, file_seek, file_close, file_size, NULL,
                                     NULL, options);
  libtiff.OpenOptionsFree(options);
  return file->tiff != NULL;
}

void tiff_file_close(tiff_file *file) {
  if (file->tiff != NULL) libtiff.Close(file->tiff);
  file->tiff = NULL;
  free(file->memory);
  file->memory = NULL;
}

int32_t tiff_fail(const tiff_file *file, codec_error *error, const char *heading) {
  const char *message = file->message;
  if (strstr(message, "beyond the") != NULL && strstr(message, "limit") != NULL) {
    return codec_fail(error, codec_limit, 0, "%s: more memory is asked for than is reasonable", heading);
  }
  if (strstr(message, "\"Colormap\"") != NULL) {
    return codec_fail(error, codec_malformed, 0, "the palette is missing");
  }
  if (strstr(message, "Out of memory") != NULL || strstr(message, "No space for") != NULL) {
    return codec_fail_memory(error);
  }
  // Names of libtiff's own functions say nothing to anyone else, nor where in a list a number was wrong.
  if (strncmp(message, "TIFF: ", 6) == 0 || strncmp(message, "LZWDecode: ", 11) == 0)
    message = strchr(message, ' ') + 1;
  if (strstr(message, "orrupted at scanline") != NULL || strstr(message, "not yet in table") != NULL ||
      strstr(message, "EOI code") != NULL || strstr(message, "ecoding error at") != NULL) {
    message = "";
  }
  char said[sizeof file->message];
  snprintf(said, sizeof said, "%c%s",
           message[0] >= 'A' && message[1] >= 'a' && message[0] <= 'Z' ? message[0] + 32 : message[0],
           message[0] != 0 ? message + 1 : "");
  return codec_fail(error, codec_malformed, 0, said[0] != 0 ? "%s: %s" : "%s", heading, said);
}
