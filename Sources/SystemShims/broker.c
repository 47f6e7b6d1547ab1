// Starts the commands that were named before this process gave up starting any: a process of its own, forked while
// there was one thread, which can be asked for these commands and no others. Its children are this process's own.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "SystemShims.h"
#include "process.h"

#ifdef __linux__

enum { most_commands = 64, most_environment = 1 << 20, stack_size = 1 << 16 };

extern char **environ;

static char **commands[most_commands];
static int command_count;
static int broker = -1;
static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;

struct request {
  int32_t command;
  uint32_t environment_bytes;
  /// Which of the four descriptors come with it.
  uint32_t given;
  sigset_t mask;
};

struct answer {
  int32_t number, failure;
};

static bool is_same(char *const *a, char *const *b) {
  while (*a != NULL && *b != NULL && strcmp(*a, *b) == 0) a++, b++;
  return *a == NULL && *b == NULL;
}

static int command_number(char *const *arguments) {
  for (int i = 0; i < command_count; i++) {
    if (is_same(commands[i], arguments)) return i;
  }
  return -1;
}

int32_t system_broker_allow(char *const *arguments) {
  if (command_number(arguments) >= 0) return 0;
  size_t count = 0;
  while (arguments[count] != NULL) count++;
  char **copy = calloc(count + 1, sizeof *copy);
  if (copy == NULL || command_count == most_commands) return -1;
  for (size_t i = 0; i < count; i++) copy[i] = strdup(arguments[i]);
  commands[command_count++] = copy;
  return 0;
}

/// What a tile's place, and nothing else, may say to a command.
static bool is_allowed(const char *entry) {
  const char *equals = strchr(entry, '=');
  if (equals == NULL) return false;
  static const char threads[] = "_NUM_THREADS";
  size_t length = (size_t)(equals - entry), end = sizeof threads - 1;
  return strncmp(entry, "IMBREX_", 7) == 0 || (length > end && memcmp(equals - end, threads, end) == 0);
}

// MARK: The broker

struct child {
  const int *theirs;
  char *const *arguments, *const *environment;
  const sigset_t *mask;
  volatile int failure;
};

/// Between two processes with one memory: what a signal's handler may do, and no more.
static int begin(void *argument) {
  struct child *child = argument;
  struct sigaction standard = {.sa_handler = SIG_DFL};
  for (int number = 1; number < 32; number++) sigaction(number, &standard, NULL);
  bool ok = setpgid(0, 0) == 0;
  for (int i = 0; i < 4 && ok; i++) {
    if (child->theirs[i] >= 0) ok = dup2(child->theirs[i], i) == i;
  }
  if (ok) {
    sigprocmask(SIG_SETMASK, child->mask, NULL);
    execve(child->arguments[0], child->arguments, child->environment);
  }
  child->failure = errno;
  _exit(127);
}

static struct answer start_child(const struct request *request, const int theirs[4], char *const *environment) {
  static char stack[stack_size] __attribute__((aligned(64)));
  struct child child = {
      .theirs = theirs, .arguments = commands[request->command], .environment = environment, .mask = &request->mask};
  // Of whom the broker is a child too, so that it can be waited for there.
  int number = clone(begin, stack + stack_size, CLONE_VM | CLONE_VFORK | CLONE_PARENT | SIGCHLD, &child);
  if (number < 0) return (struct answer){.failure = errno};
  return (struct answer){.number = child.failure == 0 ? number : 0, .failure = child.failure};
}

static bool read_whole(int fd, void *bytes, size_t count) {
  for (size_t done = 0; done < count;) {
    ssize_t got = read(fd, (char *)bytes + done, count - done);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    done += (size_t)got;
  }
  return true;
}

/// The broker's own, with what comes with a request in the place of entries of the same names.
static char **merged(char *bytes, size_t count) {
  size_t own = 0, more = 0;
  while (environ[own] != NULL) own++;
  for (size_t i = 0; i < count; i++) more += bytes[i] == 0;
  char **result = calloc(own + more + 1, sizeof *result);
  if (result == NULL) return NULL;
  memcpy(result, environ, own * sizeof *result);
  for (char *entry = bytes; entry < bytes + count; entry += strlen(entry) + 1) {
    if (!is_allowed(entry)) continue;
    size_t name = (size_t)(strchr(entry, '=') - entry) + 1, i = 0;
    while (result[i] != NULL && strncmp(result[i], entry, name) != 0) i++;
    result[i] = entry;
  }
  return result;
}

static void serve(int fd) {
  static char bytes[most_environment + 1];
  for (;;) {
    struct request request;
    union {
      char bytes[CMSG_SPACE(4 * sizeof(int))];
      struct cmsghdr header;
    } control;
    struct iovec part = {.iov_base = &request, .iov_len = sizeof request};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
    ssize_t got = recvmsg(fd, &message, MSG_CMSG_CLOEXEC | MSG_WAITALL);
    if (got < 0 && errno == EINTR) continue;
    if (got != sizeof request || request.environment_bytes > most_environment) _exit(0);
    if (!read_whole(fd, bytes, request.environment_bytes)) _exit(0);
    bytes[request.environment_bytes] = 0;
    int received[4], count = 0, theirs[4] = {-1, -1, -1, -1};
    struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
    if (rights != NULL && rights->cmsg_type == SCM_RIGHTS) {
      count = (int)((rights->cmsg_len - CMSG_LEN(0)) / sizeof(int));
      memcpy(received, CMSG_DATA(rights), (size_t)count * sizeof(int));
    }
    for (int i = 0, next = 0; i < 4; i++) {
      if ((request.given >> i & 1) != 0 && next < count) theirs[i] = received[next++];
    }
    struct answer answer = {.failure = EPERM};
    char **environment = merged(bytes, request.environment_bytes);
    if (request.command >= 0 && request.command < command_count && environment != NULL) {
      answer = start_child(&request, theirs, environment);
    }
    free(environment);
    for (int i = 0; i < count; i++) close(received[i]);
    if (send(fd, &answer, sizeof answer, MSG_NOSIGNAL) != sizeof answer) _exit(0);
  }
}

int32_t system_broker_start(void) {
  process_prepare();
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return -1;
  pid_t number = fork();
  if (number < 0) {
    close(ends[0]);
    close(ends[1]);
    return -1;
  }
  if (number > 0) {
    close(ends[0]);
    broker = ends[1];
    return 0;
  }
  // Whatever ends those that are in front of a terminal does not end it: it goes when nobody can ask any more.
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, NULL);
  int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
  int own = fcntl(ends[0], F_DUPFD_CLOEXEC, 8);
  if (nothing < 0 || own < 0) _exit(1);
  for (int i = 0; i < 3; i++) dup2(nothing, i);
  for (int fd = 3; fd < 1024; fd++) {
    if (fd != own) close(fd);
  }
  // Numbers that a child's descriptors get are not those that come with a request.
  while (nothing >= 0 && nothing < 8) nothing = fcntl(0, F_DUPFD_CLOEXEC, 3);
  serve(own);
  _exit(0);
}

bool broker_is_there(void) { return broker >= 0; }

// MARK: Whoever asks it

int broker_spawn(int32_t *number, const int theirs[4], char *const *arguments, char *const *environment,
                 const sigset_t *mask) {
  struct request request = {.command = command_number(arguments), .mask = *mask};
  if (request.command < 0) return EPERM;
  size_t bytes = 0;
  for (char *const *entry = environment; *entry != NULL; entry++) {
    if (is_allowed(*entry)) bytes += strlen(*entry) + 1;
  }
  if (bytes > most_environment) return E2BIG;
  char *block = malloc(bytes + 1), *end = block;
  if (block == NULL) return ENOMEM;
  for (char *const *entry = environment; *entry != NULL; entry++) {
    if (is_allowed(*entry)) end = stpcpy(end, *entry) + 1;
  }
  request.environment_bytes = (uint32_t)bytes;
  int sent[4], count = 0;
  for (int i = 0; i < 4; i++) {
    if (theirs[i] < 0) continue;
    sent[count++] = theirs[i];
    request.given |= 1u << i;
  }
  union {
    char bytes[CMSG_SPACE(4 * sizeof(int))];
    struct cmsghdr header;
  } control;
  memset(&control, 0, sizeof control);
  struct iovec part = {.iov_base = &request, .iov_len = sizeof request};
  struct msghdr message = {.msg_iov = &part,
                           .msg_iovlen = 1,
                           .msg_control = control.bytes,
                           .msg_controllen = CMSG_SPACE((size_t)count * sizeof(int))};
  struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN((size_t)count * sizeof(int));
  memcpy(CMSG_DATA(rights), sent, (size_t)count * sizeof(int));
  struct answer answer = {.failure = EPIPE};
  pthread_mutex_lock(&turn);
  bool ok = sendmsg(broker, &message, MSG_NOSIGNAL) == sizeof request;
  for (size_t done = 0; ok && done < bytes;) {
    ssize_t put = send(broker, block + done, bytes - done, MSG_NOSIGNAL);
    ok = put > 0 || (put < 0 && errno == EINTR);
    if (put > 0) done += (size_t)put;
  }
  if (ok && !read_whole(broker, &answer, sizeof answer)) answer.failure = EPIPE;
  pthread_mutex_unlock(&turn);
  free(block);
  // The broker has not waited for what could not be started.
  if (answer.failure == 0) *number = answer.number;
  return answer.failure;
}

#else

int32_t system_broker_allow(char *const *arguments) {
  (void)arguments;
  return -1;
}

int32_t system_broker_start(void) { return -1; }
bool broker_is_there(void) { return false; }

int broker_spawn(int32_t *number, const int theirs[4], char *const *arguments, char *const *environment,
                 const sigset_t *mask) {
  (void)number, (void)theirs, (void)arguments, (void)environment, (void)mask;
  return ENOSYS;
}

#endif
