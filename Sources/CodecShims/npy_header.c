// The header of a NumPy array: a Python dictionary of three keys (numpy.lib.format, versions 1 to 3).
#include "npy.h"

#include <string.h>

typedef struct cursor {
  const char *at, *end;
} cursor;

static void skip_space(cursor *text) {
  while (text->at < text->end && (*text->at == ' ' || (*text->at >= '\t' && *text->at <= '\r'))) text->at++;
}

/// Goes past a character, and white space before it; false if something else comes.
static bool take(cursor *text, char c) {
  skip_space(text);
  if (text->at == text->end || *text->at != c) return false;
  text->at++;
  return true;
}

static bool take_word(cursor *text, const char *word) {
  size_t length = strlen(word);
  skip_space(text);
  if ((size_t)(text->end - text->at) < length || memcmp(text->at, word, length) != 0) return false;
  text->at += length;
  return true;
}

/// A string in either kind of quotes, without what would have to be escaped.
static bool take_string(cursor *text, const char **start, size_t *length) {
  char quote = take(text, '\'') ? '\'' : take(text, '"') ? '"' : 0;
  if (quote == 0) return false;
  *start = text->at;
  while (text->at < text->end && *text->at != quote) text->at++;
  *length = (size_t)(text->at - *start);
  return take(text, quote);
}

static bool take_number(cursor *text, uint64_t *number) {
  skip_space(text);
  const char *start = text->at;
  for (*number = 0; text->at < text->end && *text->at >= '0' && *text->at <= '9'; text->at++) {
    if (*number > (UINT64_MAX - 9) / 10) return false;
    *number = 10 * *number + (uint64_t)(*text->at - '0');
  }
  if (text->at == start) return false;
  if (text->at < text->end && *text->at == 'L') text->at++;  // Of Python 2.
  return true;
}

/// `(3, 4)`, `(3,)`, `()`.
static bool take_shape(cursor *text, codec_npy_array *array) {
  if (!take(text, '(')) return false;
  array->axes = 0;
  while (!take(text, ')')) {
    uint64_t length;
    if (array->axes > 0 && !take(text, ',')) return false;
    if (take(text, ')')) return true;
    if (!take_number(text, &length)) return false;
    if (array->axes < codec_npy_most_axes) array->shape[array->axes] = length;
    array->axes++;
  }
  return true;
}

static int32_t fail_type(const char *name, size_t length, codec_error *error) {
  return codec_fail(error, codec_unsupported, 0, "an array of type '%.*s': numbers of 8 to 64 bits are wanted",
                    (int)(length < 32 ? length : 32), name);
}

/// `<u2` and the like: byte order, kind, bytes.
static int32_t read_type(const char *name, size_t length, codec_npy_array *array, codec_error *error) {
  if (length != 3 || strchr("<>|=", name[0]) == NULL) return fail_type(name, length, error);
  uint32_t size = (uint32_t)(name[2] - '0');
  bool fits = size == 1 || size == 2 || size == 4 || size == 8;
  array->is_bool = name[1] == 'b';
  switch (name[1]) {
    case 'b':
      fits = size == 1;
      array->kind = codec_unsigned;
      break;
    case 'u': array->kind = codec_unsigned; break;
    case 'i': array->kind = codec_signed; break;
    case 'f':
      fits = fits && size > 1;
      array->kind = codec_floating;
      break;
    default: fits = false;
  }
  if (!fits) return fail_type(name, length, error);
  array->number_bytes = size;
  array->is_big_endian = size > 1 && (name[0] == '>' || (name[0] == '=' && CODEC_BIG_ENDIAN_HOST));
  return codec_ok;
}

static int32_t fail_damaged(codec_error *error) {
  return codec_fail(error, codec_malformed, 0, "the header is not that of a NumPy array");
}

static int32_t read_dictionary(cursor text, codec_npy_array *array, codec_error *error) {
  bool has_type = false, has_order = false, has_shape = false;
  if (!take(&text, '{')) return fail_damaged(error);
  while (!take(&text, '}')) {
    const char *key, *value;
    size_t key_length, length;
    if (!take_string(&text, &key, &key_length) || !take(&text, ':')) return fail_damaged(error);
    if (key_length == 5 && memcmp(key, "descr", 5) == 0) {
      if (take(&text, '[') || take(&text, '(')) {
        return codec_fail(error, codec_unsupported, 0, "an array of records: numbers are wanted");
      }
      if (!take_string(&text, &value, &length)) return fail_damaged(error);
      if (read_type(value, length, array, error) != codec_ok) return error->status;
      has_type = true;
    } else if (key_length == 13 && memcmp(key, "fortran_order", 13) == 0) {
      array->is_fortran = take_word(&text, "True");
      if (!array->is_fortran && !take_word(&text, "False")) return fail_damaged(error);
      has_order = true;
    } else if (key_length == 5 && memcmp(key, "shape", 5) == 0) {
      if (!take_shape(&text, array)) return fail_damaged(error);
      has_shape = true;
    } else {
      return fail_damaged(error);
    }
    if (!take(&text, ',')) {
      if (!take(&text, '}')) return fail_damaged(error);
      break;
    }
  }
  return has_type && has_order && has_shape ? codec_ok : fail_damaged(error);
}

int32_t codec_npy_parse(const uint8_t *bytes, size_t count, codec_npy_array *array, codec_error *error) {
  memset(array, 0, sizeof *array);
  size_t known = count < npy_magic_count ? count : npy_magic_count;
  if (memcmp(bytes, NPY_MAGIC, known) != 0) return fail_damaged(error);
  array->header_bytes = 12;
  if (count >= 7) {
    if (bytes[6] < 1 || bytes[6] > 3) {
      return codec_fail(error, codec_unsupported, 0, "version %d of NumPy's format is not supported", bytes[6]);
    }
    size_t start = bytes[6] == 1 ? 10 : 12;
    array->header_bytes = start;
    if (count >= start) {
      size_t length = bytes[8] | (size_t)bytes[9] << 8;
      if (start == 12) length |= (size_t)bytes[10] << 16 | (size_t)bytes[11] << 24;
      if (length > npy_most_header_bytes - start) return fail_damaged(error);
      array->header_bytes = start + length;
      if (count >= array->header_bytes) {
        const char *text = (const char *)bytes + start;
        return read_dictionary((cursor){text, text + length}, array, error);
      }
    }
  }
  return codec_fail(error, codec_truncated, 0, "the file ends within its header");
}
