// What a process gives up before it looks at what strangers have made (Linux): Landlock leaves it some files and
// directories, a filter of system calls takes away what no picture needs. Both are best effort: a kernel without them
// says so.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#include "SystemShims.h"

#ifdef __linux__
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

// MARK: Landlock

// By number, as linux/landlock.h has them: headers and C libraries are older than kernels.
#define LANDLOCK_CREATE_RULESET 444
#define LANDLOCK_ADD_RULE 445
#define LANDLOCK_RESTRICT_SELF 446

enum {
  right_execute = 1 << 0,
  right_write_file = 1 << 1,
  right_read_file = 1 << 2,
  right_read_directory = 1 << 3,
  right_remove_directory = 1 << 4,
  right_remove_file = 1 << 5,
  right_make_directory = 1 << 7,
  right_make_regular = 1 << 8,
  right_refer = 1 << 13,
  right_truncate = 1 << 14,
  right_device_control = 1 << 15,
  /// Of the first version: all from executing to making links.
  first_rights = (1 << 13) - 1,
  /// What a file, rather than a directory, can be given.
  file_rights = right_execute | right_write_file | right_read_file | right_truncate | right_device_control,
};

struct ruleset {
  uint64_t files, network, scoped;
};

struct __attribute__((packed)) path_rule {
  uint64_t allowed;
  int32_t parent;
};

/// All that a version of Landlock can take away of files.
static uint64_t handled_rights(int version) {
  uint64_t rights = first_rights;
  if (version >= 2) rights |= right_refer;
  if (version >= 3) rights |= right_truncate;
  if (version >= 5) rights |= right_device_control;
  return rights;
}

static int landlock_version;

int32_t system_sandbox_begin(int32_t keeps_signals) {
  landlock_version = (int)syscall(LANDLOCK_CREATE_RULESET, NULL, 0, 1);
  if (landlock_version <= 0) return -1;
  struct ruleset rules = {.files = handled_rights(landlock_version)};
  size_t size = 8;
  if (landlock_version >= 4) {
    // Binding and connecting.
    rules.network = 3;
    size = 16;
  }
  if (landlock_version >= 6) {
    // Sockets without a file, and signals, to processes outside.
    rules.scoped = keeps_signals ? 1 : 3;
    size = 24;
  }
  return (int32_t)syscall(LANDLOCK_CREATE_RULESET, &rules, size, 0);
}

int32_t system_sandbox_allow(int32_t ruleset, const char *path, int32_t rights) {
  int descriptor = open(path, O_PATH | O_CLOEXEC);
  if (descriptor < 0) return -1;
  uint64_t allowed = 0;
  if ((rights & system_may_read) != 0) allowed |= right_read_file | right_read_directory;
  if ((rights & system_may_write) != 0) allowed |= right_write_file | right_truncate | right_device_control;
  if ((rights & system_may_make) != 0) {
    allowed |= right_make_regular | right_make_directory | right_remove_file | right_remove_directory | right_refer;
  }
  if ((rights & system_may_remove) != 0) allowed |= right_remove_directory;
  struct stat status;
  if (fstat(descriptor, &status) != 0 || !S_ISDIR(status.st_mode)) allowed &= file_rights;
  struct path_rule rule = {.allowed = allowed & handled_rights(landlock_version), .parent = descriptor};
  int32_t result = (int32_t)syscall(LANDLOCK_ADD_RULE, ruleset, 1, &rule, 0);
  close(descriptor);
  return result;
}

int32_t system_sandbox_enter(int32_t ruleset) {
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return -1;
  int32_t result = (int32_t)syscall(LANDLOCK_RESTRICT_SELF, ruleset, 0);
  close(ruleset);
  return result;
}

// MARK: System calls

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

/// Calls that are refused, whatever they are given.
static const uint16_t refused[] = {
    // Other programs, and other processes' memory.
    SYS_execve,
    SYS_execveat,
    SYS_ptrace,
    SYS_process_vm_readv,
    SYS_process_vm_writev,
    SYS_pidfd_open,
    SYS_kcmp,
#ifdef SYS_fork
    SYS_fork,
    SYS_vfork,
#endif
#ifdef SYS_pidfd_getfd
    SYS_pidfd_getfd,
#endif
#ifdef SYS_process_madvise
    SYS_process_madvise,
#endif
    // The network, and other ways to other processes.
    SYS_socket,
    SYS_socketpair,
    SYS_bind,
    SYS_connect,
    SYS_listen,
    SYS_accept,
    SYS_accept4,
    SYS_shmget,
    SYS_shmat,
    SYS_shmctl,
    SYS_msgget,
    SYS_msgsnd,
    SYS_msgrcv,
    SYS_semget,
    SYS_semop,
    SYS_mq_open,
    SYS_mq_unlink,
    // Rings do what calls do, past this filter.
    SYS_io_uring_setup,
    SYS_io_uring_enter,
    SYS_io_uring_register,
    // The machine.
    SYS_mount,
    SYS_umount2,
    SYS_pivot_root,
    SYS_chroot,
    SYS_unshare,
    SYS_setns,
    SYS_open_by_handle_at,
    SYS_name_to_handle_at,
    SYS_bpf,
    SYS_perf_event_open,
    SYS_userfaultfd,
    SYS_keyctl,
    SYS_add_key,
    SYS_request_key,
    SYS_init_module,
    SYS_finit_module,
    SYS_delete_module,
    SYS_kexec_load,
    SYS_reboot,
    SYS_swapon,
    SYS_swapoff,
    SYS_sethostname,
    SYS_setdomainname,
    SYS_settimeofday,
    SYS_clock_settime,
    SYS_adjtimex,
    SYS_clock_adjtime,
    SYS_syslog,
    SYS_acct,
    SYS_quotactl,
    SYS_fanotify_init,
    SYS_personality,
    SYS_vhangup,
    SYS_nfsservctl,
#ifdef SYS_open_tree
    SYS_open_tree,
    SYS_move_mount,
    SYS_fsopen,
    SYS_fsconfig,
    SYS_fsmount,
    SYS_fspick,
#endif
#ifdef SYS_mount_setattr
    SYS_mount_setattr,
#endif
#ifdef SYS_kexec_file_load
    SYS_kexec_file_load,
#endif
#ifdef SYS_iopl
    SYS_iopl,
    SYS_ioperm,
    SYS_modify_ldt,
    SYS_uselib,
#endif
    // Who one is.
    SYS_setuid,
    SYS_setgid,
    SYS_setreuid,
    SYS_setregid,
    SYS_setresuid,
    SYS_setresgid,
    SYS_setgroups,
    SYS_capset,
};

#define REFUSE(number) (SECCOMP_RET_ERRNO | (number))
#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define RETURN(what) BPF_STMT(BPF_RET | BPF_K, what)
/// Skips so many of the next if it is, or is not, that.
#define UNLESS(value, skipped) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, skipped)

int32_t system_sandbox_filter(void) {
#ifdef ARCHITECTURE
  enum { count = sizeof refused / sizeof *refused };
  static const struct sock_filter head[] = {
      LOAD(arch),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0),
      RETURN(REFUSE(ENOSYS)),
      LOAD(nr),
#ifdef __x86_64__
      // Numbers of another interface with the same calls.
      BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1),
      RETURN(REFUSE(ENOSYS)),
#endif
      // Its flags lie in memory, where a filter does not look: libraries take the older call then.
      UNLESS(SYS_clone3, 1),
      RETURN(REFUSE(ENOSYS)),
      // Threads only.
      UNLESS(SYS_clone, 4),
      LOAD(args[0]),
      BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_THREAD, 0, 1),
      RETURN(SECCOMP_RET_ALLOW),
      RETURN(REFUSE(EPERM)),
      // What would be typed for the user, in his terminal.
      UNLESS(SYS_ioctl, 5),
      LOAD(args[1]),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x5412, 1, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x541C, 0, 1),
      RETURN(REFUSE(EPERM)),
      RETURN(SECCOMP_RET_ALLOW),
  };
  enum { head_count = sizeof head / sizeof *head };
  struct sock_filter program[head_count + count + 2];
  for (int i = 0; i < head_count; i++) program[i] = head[i];
  for (int i = 0; i < count; i++) {
    program[head_count + i] =
        (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, refused[i], (uint8_t)(count - i), 0);
  }
  program[head_count + count] = (struct sock_filter)RETURN(SECCOMP_RET_ALLOW);
  program[head_count + count + 1] = (struct sock_filter)RETURN(REFUSE(EPERM));
  struct sock_fprog whole = {.len = head_count + count + 2, .filter = program};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return -1;
  return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &whole) == 0 ? 0 : -1;
#else
  errno = ENOSYS;
  return -1;
#endif
}

#else

int32_t system_sandbox_begin(int32_t keeps_signals) {
  (void)keeps_signals;
  return -1;
}

int32_t system_sandbox_allow(int32_t ruleset, const char *path, int32_t rights) {
  (void)ruleset, (void)path, (void)rights;
  return -1;
}

int32_t system_sandbox_enter(int32_t ruleset) {
  (void)ruleset;
  return -1;
}

int32_t system_sandbox_filter(void) { return -1; }

#endif
