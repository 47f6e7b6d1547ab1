// Makes one system call of a program fail, or be cut short: for tests, by LD_PRELOAD. Linux with glibc.
//
//   IMBREX_FAULT=N:ERRNO      the N-th of the calls below fails with this number
//   IMBREX_FAULT=N:short      it does about half of what is asked, as reads and writes may
//   IMBREX_FAULT=NAME:N:…     the same among the calls of one name
//   IMBREX_FAULT_LOG=FILE     the names of all calls go there, one a line
//
// Children are left alone.
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static const char *wanted_name;
static char fault_text[64];
static long wanted = -1, all_calls, named_calls;
static int fault_errno, log_descriptor = -1;
static pid_t process;

/// The library's own calls, which nobody counts.
static long raw(long number, long a, long b, long c, long d) {
  static long (*next)(long, ...);
  if (next == NULL) next = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
  return next(number, a, b, c, d);
}

__attribute__((constructor)) static void begin(void) {
  const char *fault = getenv("IMBREX_FAULT"), *log = getenv("IMBREX_FAULT_LOG");
  process = getpid();
  if (log != NULL)
    log_descriptor = (int)raw(SYS_openat, AT_FDCWD, (long)log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (log_descriptor >= 0) {
    // Out of the way of what the program opens.
    int moved = (int)raw(SYS_fcntl, log_descriptor, F_DUPFD_CLOEXEC, 900, 0);
    raw(SYS_close, log_descriptor, 0, 0, 0);
    log_descriptor = moved;
  }
  if (fault != NULL) {
    snprintf(fault_text, sizeof fault_text, "%s", fault);
    char *number = fault_text, *colon = strchr(fault_text, ':');
    if (*number < '0' || *number > '9') {
      wanted_name = fault_text;
      *colon = 0;
      number = colon + 1;
      colon = strchr(number, ':');
    }
    wanted = atol(number);
    fault_errno = strcmp(colon + 1, "short") == 0 ? -1 : atoi(colon + 1);
  }
  unsetenv("LD_PRELOAD");
}

/// 0: nothing; an errno; -1: to be cut short.
static int fault(const char *name) {
  if (getpid() != process) return 0;
  pthread_mutex_lock(&mutex);
  if (log_descriptor >= 0) {
    char line[32];
    int length = snprintf(line, sizeof line, "%s\n", name);
    raw(SYS_write, log_descriptor, (long)line, length, 0);
  }
  all_calls++;
  long number = all_calls;
  if (wanted_name != NULL) number = strcmp(name, wanted_name) == 0 ? ++named_calls : 0;
  pthread_mutex_unlock(&mutex);
  return number == wanted ? fault_errno : 0;
}

#define NEXT(name)               \
  static __typeof__(name) *next; \
  if (next == NULL) next = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

#define FAIL(call, value)    \
  do {                       \
    int found = fault(call); \
    if (found > 0) {         \
      errno = found;         \
      return value;          \
    }                        \
  } while (0)

// MARK: Calls that are done or not

#define PLAIN(type, name, value, parameters, arguments) \
  type name parameters {                                \
    NEXT(name);                                         \
    FAIL(#name, value);                                 \
    return next arguments;                              \
  }

PLAIN(int, rename, -1, (const char *from, const char *to), (from, to))
PLAIN(int, link, -1, (const char *from, const char *to), (from, to))
PLAIN(int, unlink, -1, (const char *path), (path))
PLAIN(int, mkdir, -1, (const char *path, mode_t mode), (path, mode))
PLAIN(int, rmdir, -1, (const char *path), (path))
PLAIN(int, stat, -1, (const char *restrict path, struct stat *restrict status), (path, status))
PLAIN(int, lstat, -1, (const char *restrict path, struct stat *restrict status), (path, status))
PLAIN(int, fstat, -1, (int fd, struct stat *status), (fd, status))
PLAIN(int, fchmod, -1, (int fd, mode_t mode), (fd, mode))
PLAIN(int, fchown, -1, (int fd, uid_t user, gid_t group), (fd, user, group))
PLAIN(int, ftruncate, -1, (int fd, off_t size), (fd, size))
PLAIN(int, fsync, -1, (int fd), (fd))
PLAIN(int, fdatasync, -1, (int fd), (fd))
PLAIN(int, flock, -1, (int fd, int operation), (fd, operation))
PLAIN(int, dup, -1, (int fd), (fd))
PLAIN(off_t, lseek, -1, (int fd, off_t offset, int whence), (fd, offset, whence))
PLAIN(DIR *, opendir, NULL, (const char *path), (path))
PLAIN(struct dirent *, readdir, NULL, (DIR * directory), (directory))
PLAIN(int, mkstemp, -1, (char *template), (template))
PLAIN(char *, mkdtemp, NULL, (char *template), (template))
PLAIN(int, access, -1, (const char *path, int mode), (path, mode))
PLAIN(char *, realpath, NULL, (const char *restrict path, char *restrict resolved), (path, resolved))
PLAIN(int, pipe2, -1, (int ends[2], int flags), (ends, flags))
PLAIN(void *, mmap, MAP_FAILED, (void *at, size_t length, int protection, int flags, int fd, off_t offset),
      (at, length, protection, flags, fd, offset))

int posix_fallocate(int fd, off_t offset, off_t length) {
  NEXT(posix_fallocate);
  int found = fault("posix_fallocate");
  return found > 0 ? found : next(fd, offset, length);
}

int pthread_create(pthread_t *restrict thread, const pthread_attr_t *restrict attributes, void *(*start)(void *),
                   void *restrict argument) {
  NEXT(pthread_create);
  int found = fault("pthread_create");
  return found > 0 ? found : next(thread, attributes, start, argument);
}

int close(int fd) {
  NEXT(close);
  int found = fault("close");
  int result = next(fd);
  // The number is free again, as on Linux.
  if (found <= 0) return result;
  errno = found;
  return -1;
}

int open(const char *path, int flags, ...) {
  NEXT(open);
  va_list arguments;
  va_start(arguments, flags);
  mode_t mode = (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
  va_end(arguments);
  FAIL("open", -1);
  return next(path, flags, mode);
}

/// Calls that the library has no function for.
long syscall(long number, ...) {
  NEXT(syscall);
  long given[6];
  va_list arguments;
  va_start(arguments, number);
  for (int i = 0; i < 6; i++) given[i] = va_arg(arguments, long);
  va_end(arguments);
  // Threads that wait for each other are no business of this.
  if (number != SYS_futex) FAIL("syscall", -1);
  return next(number, given[0], given[1], given[2], given[3], given[4], given[5]);
}

// MARK: Calls that may be cut short

static size_t part(int found, size_t count) { return found < 0 && count > 1 ? count / 2 : count; }

#define PARTIAL(name, parameters, count, arguments) \
  ssize_t name parameters {                         \
    NEXT(name);                                     \
    int found = fault(#name);                       \
    if (found > 0) {                                \
      errno = found;                                \
      return -1;                                    \
    }                                               \
    count = part(found, count);                     \
    return next arguments;                          \
  }

PARTIAL(read, (int fd, void *bytes, size_t count), count, (fd, bytes, count))
PARTIAL(write, (int fd, const void *bytes, size_t count), count, (fd, bytes, count))
PARTIAL(pread, (int fd, void *bytes, size_t count, off_t offset), count, (fd, bytes, count, offset))
PARTIAL(pwrite, (int fd, const void *bytes, size_t count, off_t offset), count, (fd, bytes, count, offset))

ssize_t writev(int fd, const struct iovec *parts, int count) {
  NEXT(writev);
  int found = fault("writev");
  if (found > 0) {
    errno = found;
    return -1;
  }
  return next(fd, parts, (int)part(found, (size_t)count));
}
