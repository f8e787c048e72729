//! The filter on system calls (seccomp): a list of those that are allowed. Any other fails with
//! "operation not permitted", so that a library which tries something and can do without goes on.

use seccompiler::SeccompCmpArgLen::Dword;
use seccompiler::SeccompCmpOp::{Eq, MaskedEq};
use seccompiler::{
    BpfProgram, Error, SeccompAction, SeccompCondition, SeccompFilter, SeccompRule, TargetArch,
    apply_filter,
};
use std::collections::BTreeMap;

/// What computing takes, whatever the arguments.
const PLAIN: &[libc::c_long] = &[
    // Memory and threads; starting a thread is below.
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_madvise,
    libc::SYS_brk,
    libc::SYS_futex,
    libc::SYS_set_robust_list,
    libc::SYS_rseq,
    libc::SYS_sched_yield,
    libc::SYS_sched_getaffinity,
    libc::SYS_gettid,
    libc::SYS_getpid,
    // Signals of its own, by which it notices a stack that overflows.
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_restart_syscall,
    // Time and chance.
    libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep,
    libc::SYS_nanosleep,
    libc::SYS_getrandom,
    // The end.
    libc::SYS_exit,
    libc::SYS_exit_group,
];

const STDIN: u64 = 0;
const STDOUT: u64 = 1;
const STDERR: u64 = 2;

pub(super) fn close() -> Result<(), Error> {
    let arch = TargetArch::try_from(std::env::consts::ARCH)?;
    // Its flags lie in memory, where no filter sees them; the C library then starts threads in the
    // older way. This filter comes first, as the other lets no more be added.
    let not_there = SeccompAction::Errno(libc::ENOSYS.unsigned_abs());
    let clone3 = BTreeMap::from([(libc::SYS_clone3, vec![])]);
    let filter = SeccompFilter::new(clone3, SeccompAction::Allow, not_there, arch)?;
    apply_filter(&BpfProgram::try_from(filter)?)?;
    let refused = SeccompAction::Errno(libc::EPERM.unsigned_abs());
    let filter = SeccompFilter::new(allowed()?, refused, SeccompAction::Allow, arch)?;
    apply_filter(&BpfProgram::try_from(filter)?)
}

fn allowed() -> Result<BTreeMap<i64, Vec<SeccompRule>>, Error> {
    let plain = PLAIN.iter().map(|call| (*call, vec![]));
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = plain.collect();
    let mut allow = |call, conditions: &[(u8, seccompiler::SeccompCmpOp, u64)]| {
        let conditions: Result<Vec<_>, _> = conditions
            .iter()
            .map(|(argument, operator, value)| {
                SeccompCondition::new(*argument, Dword, operator.clone(), *value)
            })
            .collect();
        let rule = SeccompRule::new(conditions?)?;
        rules.entry(call).or_default().push(rule);
        Ok::<_, Error>(())
    };
    allow(libc::SYS_read, &[(0, Eq, STDIN)])?;
    for stream in [STDOUT, STDERR] {
        allow(libc::SYS_write, &[(0, Eq, stream)])?;
        allow(libc::SYS_writev, &[(0, Eq, stream)])?;
    }
    // What was written goes to the disk piece by piece.
    allow(libc::SYS_fdatasync, &[(0, Eq, STDOUT)])?;
    // Memory that is read and written, and never run.
    let executable = u64::from(libc::PROT_EXEC.unsigned_abs());
    allow(libc::SYS_mmap, &[(2, MaskedEq(executable), 0)])?;
    allow(libc::SYS_mprotect, &[(2, MaskedEq(executable), 0)])?;
    // Threads, not processes.
    let thread = u64::from(libc::CLONE_THREAD.unsigned_abs());
    allow(libc::SYS_clone, &[(0, MaskedEq(thread), thread)])?;
    rules.insert(libc::SYS_clone3, vec![]);
    let mut allow = |call, argument, value| {
        let condition = SeccompCondition::new(argument, Dword, Eq, value)?;
        let rule = SeccompRule::new(vec![condition])?;
        rules.entry(call).or_default().push(rule);
        Ok::<_, Error>(())
    };
    // Names of threads, and of their memory.
    allow(
        libc::SYS_prctl,
        0,
        u64::from(libc::PR_SET_NAME.unsigned_abs()),
    )?;
    allow(
        libc::SYS_prctl,
        0,
        u64::from(libc::PR_SET_VMA.unsigned_abs()),
    )?;
    // To end itself, and nobody else.
    allow(libc::SYS_tgkill, 0, std::process::id().into())?;
    Ok(rules)
}
