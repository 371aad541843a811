//! A child on a borrowed stack; see the module above for why.

use std::{
    io,
    os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd},
    ptr,
};

use libc::{c_char, c_int, c_long, c_ulong, c_void};

use rustix::process::Pid;

use super::{Identity, Spawned, Stdio};
use crate::{
    Result,
    transport::prepare::{Prepared, Step},
};

/// Room for the child's few frames, unoptimised too.
const STACK: usize = 128 * 1024;

/// The kernel's signal set is 64 bits wide.
const SIGNAL_SET_BYTES: usize = 8;

/// The stack that children borrow. One is enough: the spawning thread stands still while a child uses it.
pub(in crate::transport) struct Spawner {
    stack: Vec<u128>,
}

/// What the child reads, and where it leaves word of a failure. Lives on the frame of the spawning thread.
struct Errand {
    program: *const c_char,
    cwd: *const c_char,
    argv: *const *const c_char,
    envp: *const *const c_char,
    stdio: [RawFd; 3],
    host: libc::pid_t,
    detached: bool,
    identity: *const Identity,
    failed_step: Step,
    errno: c_int,
}

impl Spawner {
    pub(in crate::transport) fn new() -> Self {
        Self { stack: vec![0; STACK / size_of::<u128>()] }
    }

    /// Starts the program; returns when it runs or was refused.
    pub(in crate::transport) fn spawn(&mut self, prepared: &Prepared, stdio: &Stdio) -> Result<Spawned> {
        let argv = prepared.args.pointers();
        let envp = prepared.env.pointers();
        let paths = prepared.paths.pointers();
        let mut errand = Errand {
            program: paths[0],
            // Null when there is no directory: the list ends there.
            cwd: paths[1],
            argv: argv.as_ptr(),
            envp: envp.as_ptr(),
            stdio: [stdio.stdin.as_raw_fd(), stdio.stdout.as_raw_fd(), stdio.stderr.as_raw_fd()],
            host: rustix::process::getpid().as_raw_nonzero().get(),
            detached: prepared.detached,
            identity: prepared.identity.as_ref().map_or(ptr::null(), ptr::from_ref),
            failed_step: Step::Birth,
            errno: 0,
        };
        // Kernels that do not know CLONE_PIDFD leave this as it is.
        let mut pidfd: c_int = -1;
        let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::CLONE_PIDFD | libc::SIGCHLD;

        // SAFETY: the end of the vector's memory, 16-byte aligned by its element type; stacks grow down from there.
        let top = unsafe { self.stack.as_mut_ptr().add(self.stack.len()) };
        let before = set_signal_mask(u64::MAX);
        // SAFETY: CLONE_VFORK stops this thread until the child has called execve or exited, so `errand`, what it
        // points to and the stack outlive their use, and nobody else uses this stack. All signals are blocked, also
        // those the C library keeps to itself, so no handler runs in the child while it shares our memory. The
        // child function makes system calls only. The pid descriptor is written to `pidfd`, which lives here.
        let pid = unsafe {
            libc::clone(
                errand_of_child,
                top.cast(),
                flags,
                (&raw mut errand).cast::<c_void>(),
                &raw mut pidfd,
            )
        };
        let clone_error = io::Error::last_os_error();
        set_signal_mask(before);

        // SAFETY: the kernel made this descriptor for us just now, and nothing else knows its number.
        let pidfd = (pidfd >= 0).then(|| unsafe { OwnedFd::from_raw_fd(pidfd) });
        let Some(pid) = Pid::from_raw(pid.max(0)) else {
            return Err(prepared.refused(Step::Birth, clone_error.raw_os_error().unwrap_or(0)));
        };
        // SAFETY: the child wrote here, through memory the compiler does not know to be shared.
        let (step, errno) = unsafe {
            (ptr::read_volatile(&raw const errand.failed_step), ptr::read_volatile(&raw const errand.errno))
        };
        if errno != 0 {
            // It has exited already; leave no zombie. Somebody else may have reaped it, which is as good.
            let _ = rustix::process::waitpid(Some(pid), rustix::process::WaitOptions::empty());
            return Err(prepared.refused(step, errno));
        }
        Ok(Spawned { pid, pidfd })
    }
}

/// What the child does on its borrowed stack. It must not allocate, lock, panic or return from a signal handler:
/// it shares all memory with a stopped thread that may hold any lock.
extern "C" fn errand_of_child(errand: *mut c_void) -> c_int {
    let errand: *mut Errand = errand.cast();
    // SAFETY: `spawn` passes a valid errand and stands still. Everything called here is a bare system call, or a thin
    // wrapper over one that takes no lock; strings and arrays were laid out and terminated before. System calls act
    // on this process alone: its descriptor table, its signal handlers and its directory are copies, since
    // CLONE_FILES, CLONE_SIGHAND and CLONE_FS are not set. `errno` is that of the stopped thread, which expects it
    // to change.
    unsafe {
        let fail = |step: Step| -> ! {
            ptr::write_volatile(&raw mut (*errand).failed_step, step);
            ptr::write_volatile(&raw mut (*errand).errno, *libc::__errno_location());
            libc::_exit(127)
        };

        // Ignored signals stay ignored through execve, and hosts ignore some that programs rely on. The kernel's
        // structure is at most this large, and all zero means "default" on every architecture.
        let default_action = [0_u64; 8];
        let mut signal: c_int = 1;
        while signal <= 64 {
            if signal != libc::SIGKILL && signal != libc::SIGSTOP {
                libc::syscall(
                    libc::SYS_rt_sigaction,
                    c_long::from(signal),
                    default_action.as_ptr(),
                    ptr::null::<c_void>(),
                    SIGNAL_SET_BYTES,
                );
            }
            signal += 1;
        }

        if !(*errand).identity.is_null() && !become_user(&*(*errand).identity) {
            fail(Step::Identity);
        }

        if (*errand).detached {
            libc::setsid();
        } else {
            libc::setpgid(0, 0);
            // Behind the change of the user, which clears it.
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGTERM as c_ulong);
            // The host may have died before the line above.
            if libc::getppid() != (*errand).host {
                libc::_exit(127);
            }
        }

        let mut target: RawFd = 0;
        while target < 3 {
            let source = *(&raw const (*errand).stdio).cast::<RawFd>().add(target as usize);
            if libc::dup2(source, target) < 0 {
                fail(Step::Birth);
            }
            target += 1;
        }
        close_others_on_exec();

        if !(*errand).cwd.is_null() && libc::chdir((*errand).cwd) != 0 {
            fail(Step::Directory);
        }
        // Not before: a signal to the new process group must find default handlers and its own descriptors.
        let none = 0_u64;
        libc::syscall(
            libc::SYS_rt_sigprocmask,
            c_long::from(libc::SIG_SETMASK),
            &raw const none,
            ptr::null::<c_void>(),
            SIGNAL_SET_BYTES,
        );
        libc::execve((*errand).program, (*errand).argv, (*errand).envp);
        fail(Step::Program)
    }
}

/// Takes the groups, then the group, then the user: in any other order the last would forbid the first. The C library's functions of
/// these names change all threads of the host, so the kernel is asked itself, for this process alone.
///
/// # Safety
///
/// Only for the child.
unsafe fn become_user(identity: &Identity) -> bool {
    // Numbers of 32 bits, which on old architectures have calls of their own.
    #[cfg(any(target_arch = "x86", target_arch = "arm"))]
    const CALLS: [c_long; 3] = [libc::SYS_setgroups32, libc::SYS_setresgid32, libc::SYS_setresuid32];
    #[cfg(not(any(target_arch = "x86", target_arch = "arm")))]
    const CALLS: [c_long; 3] = [libc::SYS_setgroups, libc::SYS_setresgid, libc::SYS_setresuid];
    // SAFETY: system calls with plain numbers, and a list that outlives them.
    unsafe {
        libc::syscall(CALLS[0], identity.groups.len(), identity.groups.as_ptr()) == 0
            && libc::syscall(CALLS[1], identity.gid, identity.gid, identity.gid) == 0
            && libc::syscall(CALLS[2], identity.uid, identity.uid, identity.uid) == 0
    }
}

/// Hosts open descriptors without close-on-exec; none of them is the program's business.
///
/// # Safety
///
/// Only for the child: the descriptor table must not be shared.
unsafe fn close_others_on_exec() {
    // SAFETY: system calls with plain numbers, and a structure that lives here.
    unsafe {
        let all = libc::syscall(
            libc::SYS_close_range,
            3 as c_ulong,
            c_ulong::from(u32::MAX),
            c_ulong::from(libc::CLOSE_RANGE_CLOEXEC),
        );
        if all == 0 {
            return;
        }
        // Before Linux 5.11.
        let mut limit = libc::rlimit { rlim_cur: 1024, rlim_max: 1024 };
        libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit);
        let end = if limit.rlim_cur > 65_536 { 65_536 } else { limit.rlim_cur as RawFd };
        let mut fd: RawFd = 3;
        while fd < end {
            libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC);
            fd += 1;
        }
    }
}

/// Sets the mask of this thread and returns the one before. Also for the signals that the C library does not let
/// anybody block.
fn set_signal_mask(mask: u64) -> u64 {
    let mut before = 0_u64;
    // SAFETY: both pointers are to 64-bit sets that live here, and that is the size passed.
    unsafe {
        libc::syscall(
            libc::SYS_rt_sigprocmask,
            c_long::from(libc::SIG_SETMASK),
            &raw const mask,
            &raw mut before,
            SIGNAL_SET_BYTES,
        );
    }
    before
}

/// Keeps the host's signal handlers off this thread, for its life.
pub(in crate::transport) fn block_signals() {
    // SAFETY: the set is initialised by sigfillset before use; the mask of this thread alone changes.
    unsafe {
        let mut all = std::mem::zeroed::<libc::sigset_t>();
        libc::sigfillset(&raw mut all);
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const all, ptr::null_mut());
    }
}
