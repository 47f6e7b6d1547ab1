// A plug-in that tries what nobody who decodes or filters a picture has any need of, and tells how far it came: what an
// attack that has taken over a reader would try.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "imbrex_filter.h"

enum { deed, path };

static int try_read(const char *file) {
  int fd = open(file, O_RDONLY);
  return fd < 0 ? errno : close(fd);
}

static int try_write(const char *file) {
  int fd = open(file, O_WRONLY | O_CREAT, 0600);
  return fd < 0 ? errno : close(fd);
}

static int try_list(const char *file) {
  int fd = open(file, O_RDONLY | O_DIRECTORY);
  return fd < 0 ? errno : close(fd);
}

static int try_exec(void) {
  char *const arguments[] = {"/bin/true", NULL}, *const environment[] = {NULL};
  pid_t number;
  int failure = posix_spawn(&number, arguments[0], NULL, NULL, arguments, environment);
  if (failure == 0) waitpid(number, NULL, 0);
  return failure;
}

static int try_become(void) {
  char *const arguments[] = {"/bin/true", NULL}, *const environment[] = {NULL};
  execve(arguments[0], arguments, environment);
  return errno;
}

static int try_fork(void) {
  pid_t number = fork();
  if (number == 0) _exit(0);
  if (number < 0) return errno;
  waitpid(number, NULL, 0);
  return 0;
}

static int try_connect(int family) {
  int fd = socket(family, SOCK_STREAM, 0);
  if (fd < 0) return errno;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(9), .sin_addr = {htonl(INADDR_LOOPBACK)}};
  // Refused by nobody but the other side.
  if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0 && errno == EACCES) return errno;
  close(fd);
  return 0;
}

static int try_trace(void) { return ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0 ? 0 : errno; }

static int apply(const imbrex_value *values, const imbrex_tile *tile, char *message) {
  const char *what = values[deed].text, *file = values[path].text;
  int failure = strcmp(what, "read") == 0      ? try_read(file)
                : strcmp(what, "write") == 0   ? try_write(file)
                : strcmp(what, "list") == 0    ? try_list(file)
                : strcmp(what, "exec") == 0    ? try_exec()
                : strcmp(what, "become") == 0  ? try_become()
                : strcmp(what, "fork") == 0    ? try_fork()
                : strcmp(what, "connect") == 0 ? try_connect(AF_INET)
                : strcmp(what, "local") == 0   ? try_connect(AF_UNIX)
                : strcmp(what, "trace") == 0   ? try_trace()
                                               : -1;
  size_t count = (size_t)tile->width * (size_t)tile->input.channels * (size_t)tile->input.type;
  for (int32_t y = 0; y < tile->height; y++) {
    memcpy((char *)tile->target + y * tile->target_stride, (const char *)tile->source + y * tile->source_stride, count);
  }
  if (failure == 0) return 0;
  return snprintf(message, IMBREX_MESSAGE_SIZE, "may not %s: %s", what, strerror(failure)) > 0;
}

static int reach(const imbrex_value *values, imbrex_reach *reach, char *message) {
  (void)values, (void)reach, (void)message;
  return 0;
}

static const imbrex_parameter parameters[] = {
    {.name = "deed", .help = "What to try.", .type = IMBREX_TEXT, .default_text = "nothing"},
    {.name = "path", .help = "A file.", .type = IMBREX_TEXT, .default_text = ""},
};

static const imbrex_filter filter = {.version = IMBREX_FILTER_VERSION,
                                     .name = "spy",
                                     .help = "Try what is not allowed.",
                                     .parameter_count = 2,
                                     .parameters = parameters,
                                     .reach = reach,
                                     .apply = apply};

const imbrex_filter *const *imbrex_filters(int32_t version) {
  static const imbrex_filter *const all[] = {&filter, NULL};
  return version == IMBREX_FILTER_VERSION ? all : NULL;
}
