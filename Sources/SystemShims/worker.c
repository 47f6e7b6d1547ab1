// What a worker process and its parent need of the system: memory that both see, and an end of the one with the other.
#define _GNU_SOURCE
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "SystemShims.h"
#include "cleanup.h"

int32_t system_shared_memory(void) {
#ifdef MFD_CLOEXEC
  return memfd_create("imbrex", MFD_CLOEXEC);
#else
  return -1;
#endif
}

/// Waits until nobody can write to a pipe any more. A parent's death signal (Linux) would come when the *thread* that
/// started this process ends.
static void *follow(void *argument) {
  struct pollfd parent = {.fd = (int)(intptr_t)argument, .events = 0};
  while (poll(&parent, 1, -1) <= 0) continue;
  // With what the plug-in may have started.
  if (getpgrp() == getpid()) kill(0, SIGKILL);
  _exit(1);
}

void system_follow(int32_t descriptor) {
  // A crash is told by the parent in one line: no runtime is to tell it in a hundred.
  static const int crashes[] = {SIGSEGV, SIGBUS, SIGABRT, SIGILL, SIGFPE, SIGTRAP, SIGSYS, SIGQUIT};
  for (size_t i = 0; i < sizeof crashes / sizeof *crashes; i++) signal(crashes[i], SIG_DFL);
  setenv("SWIFT_BACKTRACE", "enable=no", 1);
  struct rlimit none = {0, 0};
  setrlimit(RLIMIT_CORE, &none);
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_t thread;
  if (pthread_create(&thread, NULL, follow, (void *)(intptr_t)descriptor) == 0) pthread_detach(thread);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static _Thread_local int32_t is_in_plugin;

/// Whoever leaves the program from inside a plug-in has not made a picture, whatever status it gives.
static void leave_plugin(void) {
  static const char line[] = "imbrex: the plug-in ends the process\n";
  if (!is_in_plugin) return;
  cleanup_all();
  (void)!write(STDERR_FILENO, line, sizeof line - 1);
  _exit(1);
}

static void watch_exit(void) { atexit(leave_plugin); }

void system_enter_plugin(int32_t is_inside) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, watch_exit);
  is_in_plugin = is_inside;
}

#if defined(__APPLE__)
#include <mach-o/dyld.h>

char *system_program(void) {
  char path[4096];
  uint32_t size = sizeof path;
  return _NSGetExecutablePath(path, &size) == 0 ? realpath(path, NULL) : NULL;
}
#else
char *system_program(void) {
  char *path = realpath("/proc/self/exe", NULL);
  // Of a program that has been replaced while it runs, its own name for itself still leads to it.
  return path != NULL ? path : strdup("/proc/self/exe");
}
#endif
