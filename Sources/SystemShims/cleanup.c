// Removal of unfinished files, and of children, when a signal ends the process. A handler may only call
// async-signal-safe functions and look at what never moves: hence a fixed table of paths.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <string.h>
#include <unistd.h>

#include "SystemShims.h"
#include "cleanup.h"

#define SLOTS 1024

static _Atomic(char *) paths[SLOTS];
static atomic_int ending;
static atomic_int has_bar;

int32_t system_cleanup_add(const char *path) {
  char *copy = strdup(path);
  if (copy == NULL) return -1;
  for (int32_t slot = 0; slot < SLOTS; slot++) {
    char *expected = NULL;
    if (atomic_compare_exchange_strong(&paths[slot], &expected, copy)) return slot;
  }
  free(copy);
  return -1;
}

void system_cleanup_remove(int32_t slot) {
  if (slot < 0) return;
  free(atomic_exchange(&paths[slot], NULL));
}

void system_set_bar(int32_t is_shown) { atomic_store(&has_bar, is_shown); }

void cleanup_all(void) {
  atomic_store(&ending, 1);
  for (int slot = 0; slot < SLOTS; slot++) {
    char *path = atomic_load(&paths[slot]);
    if (path != NULL) unlink(path);
  }
  // Directories of our own, empty by now.
  for (int slot = 0; slot < SLOTS; slot++) {
    char *path = atomic_load(&paths[slot]);
    if (path != NULL) rmdir(path);
  }
  cleanup_kill_groups();
}

static void remove_and_die(int signal_number) {
  int saved = errno;
  cleanup_all();
  // The cursor stands at the bar's beginning: from there on the terminal is cleared.
  if (atomic_load(&has_bar) && write(STDERR_FILENO, "\r\033[J", 4) < 0) atomic_store(&has_bar, 0);
  errno = saved;
  // The default action ends the process, so that its parent sees which signal it was.
  signal(signal_number, SIG_DFL);
  raise(signal_number);
}

const char *system_compiler(void) {
#if defined(__clang__)
#define TEXT(x) #x
#define VERSION(major, minor, patch) "clang " TEXT(major) "." TEXT(minor) "." TEXT(patch)
  return VERSION(__clang_major__, __clang_minor__, __clang_patchlevel__);
#else
  return "unknown";
#endif
}

int32_t system_is_ending(void) { return atomic_load(&ending); }

void system_reserve_standard_descriptors(void) {
  // Descriptors are given out from the lowest: each closed one is filled by its own open.
  static const int modes[] = {O_WRONLY, O_RDONLY, O_WRONLY};
  for (int descriptor = 0; descriptor < 3; descriptor++) {
    if (fcntl(descriptor, F_GETFD) == -1) (void)open("/dev/null", modes[descriptor]);
  }
}

int64_t system_allow_open_files(int64_t wanted) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 256;
  if (limit.rlim_cur != RLIM_INFINITY && limit.rlim_cur < (rlim_t)wanted) {
    const rlim_t before = limit.rlim_cur;
    limit.rlim_cur = limit.rlim_max < (rlim_t)wanted ? limit.rlim_max : (rlim_t)wanted;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) return (int64_t)before;
  }
  return limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur > (rlim_t)wanted ? wanted : (int64_t)limit.rlim_cur;
}

void system_cleanup_install(void) {
  // All that end a process from outside or by its limits; what is a bug of its own is left to the runtime, which tells
  // where.
  static const int signals[] = {SIGINT,  SIGTERM, SIGHUP,    SIGQUIT, SIGXCPU,
                                SIGALRM, SIGPROF, SIGVTALRM, SIGUSR1, SIGUSR2};
  for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
    struct sigaction action = {0};
    // What nohup and shells' background jobs ignore stays ignored.
    if (sigaction(signals[i], NULL, &action) == 0 && action.sa_handler == SIG_IGN) continue;
    action = (struct sigaction){0};
    action.sa_handler = remove_and_die;
    sigaction(signals[i], &action, NULL);
  }
  // A parent may have started us with signals blocked (threads of some runtimes have them so): nothing could stop us.
  sigset_t unblocked;
  sigemptyset(&unblocked);
  for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) sigaddset(&unblocked, signals[i]);
  sigprocmask(SIG_UNBLOCK, &unblocked, NULL);
  // A closed pipe and a file grown past `ulimit -f` are errors of write, to be reported and cleaned up after.
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);
}
