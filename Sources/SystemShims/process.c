// Children with pipes, each in a process group of its own, which does not outlive this process.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "SystemShims.h"
#include "cleanup.h"
#include "process.h"

#define SLOTS 4096

// Looked at by a signal's handler: a fixed table, as that of the paths.
static atomic_int groups[SLOTS];
// Children that are being started: not in the table yet.
static atomic_int starting;

static void sleep_ms(long milliseconds) {
  struct timespec time = {0, milliseconds * 1000000};
  nanosleep(&time, NULL);
}

void cleanup_kill_groups(void) {
  // A child that is just being started enters the table in a moment. Its starter has signals blocked, so it is not who
  // waits here.
  for (int i = 0; i < 200 && atomic_load(&starting) > 0; i++) sleep_ms(1);
  for (int slot = 0; slot < SLOTS; slot++) {
    int group = atomic_load(&groups[slot]);
    if (group > 0) kill(-group, SIGKILL);
  }
}

static bool add_group(int group) {
  for (int slot = 0; slot < SLOTS; slot++) {
    int expected = 0;
    if (atomic_compare_exchange_strong(&groups[slot], &expected, group)) return true;
  }
  return false;
}

static void remove_group(int group) {
  for (int slot = 0; slot < SLOTS; slot++) {
    int expected = group;
    if (atomic_compare_exchange_strong(&groups[slot], &expected, 0)) return;
  }
}

bool process_make_pipe(int ends[2]) {
#ifdef __linux__
  return pipe2(ends, O_CLOEXEC) == 0;
#else
  if (pipe(ends) != 0) return false;
  for (int i = 0; i < 2; i++) (void)fcntl(ends[i], F_SETFD, FD_CLOEXEC);
  return true;
#endif
}

/// The default actions of signals that this process ignores, and a process group.
static int set_attributes(posix_spawnattr_t *attributes, const sigset_t *mask) {
  sigset_t defaults;
  sigemptyset(&defaults);
  sigaddset(&defaults, SIGPIPE);
  sigaddset(&defaults, SIGXFSZ);
  int failure = posix_spawnattr_setsigdefault(attributes, &defaults);
  if (failure == 0) failure = posix_spawnattr_setsigmask(attributes, mask);
  if (failure == 0) failure = posix_spawnattr_setpgroup(attributes, 0);
  if (failure == 0) {
    failure =
        posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  }
  return failure;
}

int process_spawn(int32_t *number, const int theirs[4], char *const *arguments, char *const *environment,
                  const sigset_t *mask) {
  if (broker_is_there()) return broker_spawn(number, theirs, arguments, environment, mask);
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  if (posix_spawn_file_actions_init(&actions) != 0) return ENOMEM;
  if (posix_spawnattr_init(&attributes) != 0) {
    posix_spawn_file_actions_destroy(&actions);
    return ENOMEM;
  }
  int failure = set_attributes(&attributes, mask);
  for (int i = 0; failure == 0 && i < 4; i++) {
    if (theirs[i] >= 0) failure = posix_spawn_file_actions_adddup2(&actions, theirs[i], i);
  }
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 34)
  // Whatever a library has opened without saying that it is not for children.
  if (failure == 0) failure = posix_spawn_file_actions_addclosefrom_np(&actions, theirs[3] >= 0 ? 4 : 3);
#endif
  if (failure == 0) failure = posix_spawn(number, arguments[0], &actions, &attributes, arguments, environment);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  return failure;
}

/// Starts the child and enters it in the table, with signals blocked: the handler waits for that.
static int start(system_child *child, int theirs[4], char *const *arguments, char *const *environment) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  atomic_fetch_add(&starting, 1);
  int failure = system_is_ending() ? EINTR : process_spawn(&child->group, theirs, arguments, environment, &before);
  if (failure == 0) guardian_tell(true, child->group);
  bool is_kept = failure != 0 || add_group(child->group);
  atomic_fetch_sub(&starting, 1);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (is_kept) return failure;
  kill(-child->group, SIGKILL);
  guardian_tell(false, child->group);
  waitpid(child->group, NULL, 0);
  return EAGAIN;
}

static void prepare(void) {
  // The program may be left from anywhere.
  atexit(cleanup_kill_groups);
  // A child that closes its standard input is no reason to end; a program that handles the signal goes on doing so.
  struct sigaction action;
  if (sigaction(SIGPIPE, NULL, &action) == 0 && action.sa_handler == SIG_DFL) signal(SIGPIPE, SIG_IGN);
  guardian_start();
}

void process_prepare(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, prepare);
}

int32_t system_start(system_child *child, char *const *arguments, char *const *environment, int32_t shared) {
  process_prepare();
  int ends[3][2] = {{-1, -1}, {-1, -1}, {-1, -1}};
  int failure = 0;
  for (int i = 0; i < 3 && failure == 0; i++) {
    if (!process_make_pipe(ends[i])) failure = errno;
  }
  // Of the first pipe the child has the end to read from, of the others the end to write to.
  int ours[3] = {ends[0][1], ends[1][0], ends[2][0]}, theirs[4] = {ends[0][0], ends[1][1], ends[2][1], shared};
  if (failure == 0) failure = start(child, theirs, arguments, environment);
  for (int i = 0; i < 3; i++) {
    if (theirs[i] >= 0) close(theirs[i]);
    if (failure != 0 && ours[i] >= 0) close(ours[i]);
  }
  if (failure != 0) return failure;
  for (int i = 0; i < 3; i++) {
    (void)fcntl(ours[i], F_SETFL, fcntl(ours[i], F_GETFL) | O_NONBLOCK);
#ifdef F_SETPIPE_SZ
    // Fewer turns from one process to the other; where it is not allowed the pipe is as it is.
    if (i < 2) (void)fcntl(ours[i], F_SETPIPE_SZ, 1 << 20);
#endif
  }
  child->input = ours[0];
  child->output = ours[1];
  child->errors = ours[2];
  return 0;
}

int32_t system_has_ended(int32_t group) {
  siginfo_t information = {0};
  // It stays as it is, so that its number remains that of the group.
  if (waitid(P_PID, (id_t)group, &information, WEXITED | WNOWAIT | WNOHANG) != 0) return errno != EINTR;
  return information.si_pid != 0;
}

void system_kill_group(int32_t group) { kill(-group, SIGKILL); }

int32_t system_reap(int32_t group) {
  // What it may have started and left behind.
  kill(-group, SIGKILL);
  // Its number may be another's as soon as it is waited for.
  guardian_tell(false, group);
  int status = 0;
  while (waitpid(group, &status, 0) < 0) {
    if (errno != EINTR) {
      status = 0;
      break;
    }
  }
  remove_group(group);
  return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}
