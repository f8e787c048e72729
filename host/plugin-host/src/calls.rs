//! The threads that run calls, and the queue in front of them.
//!
//! Calls do not run on the threads that serve sockets: a plug-in may take its whole time limit.
//! Nor may one plug-in hold up another. `lanes` shares the threads out between the plug-ins; and a
//! call that runs long is *set aside*: another thread takes the place of its own, which goes on
//! with less priority and ends with the call. So calls that are short find a thread free within
//! [`SHORT`], whatever others do.
//!
//! The queue does not grow without bound; one more than it holds is told to come again.

mod lanes;

pub(crate) use lanes::Lane;

use crate::fault::CallFailure;
use lanes::{Ended, Lanes, Turn};
use rustix::process::{Pid, setpriority_process};
use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

// The guest's own stack lies on the thread's, and what crosses is converted below it.
const THREAD_STACK: usize = 4 << 20;
/// A call that runs longer is set aside.
const SHORT: Duration = Duration::from_millis(4);
/// One that runs longer still has less priority than the rest of the server.
const LONG: Duration = Duration::from_millis(20);
/// The priority of long calls, and of plug-ins that ran into their own limits lately.
const NICE: (i32, i32) = (10, 19);
/// Calls set aside at once, for each thread; beyond that, long ones hold the threads of others.
const ASIDE: usize = 8;

type Job = Box<dyn FnOnce() -> Ended + Send>;

thread_local! {
    static NUMBER: Cell<Option<usize>> = const { Cell::new(None) };
}

/// This thread's number: those of the threads for calls are counted from 0, any other thread gets
/// the next one when it first asks.
pub(crate) fn thread_number() -> usize {
    static OTHERS: AtomicUsize = AtomicUsize::new(0);
    NUMBER.with(|number| {
        number.get().unwrap_or_else(|| {
            let next = OTHERS.fetch_add(1, Ordering::Relaxed);
            number.set(Some(next));
            next
        })
    })
}

/// Threads for calls. They end when it is dropped.
#[derive(Debug)]
pub(crate) struct CallThreads {
    queue: Arc<Queue>,
}

/// What the threads did so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CallCounts {
    pub(crate) run: u64,
    pub(crate) busy: u64,
    pub(crate) waiting: u64,
    pub(crate) aside: u64,
}

struct Queue {
    jobs: Mutex<Jobs>,
    run: AtomicU64,
    busy: AtomicU64,
    aside: AtomicU64,
}

struct Jobs {
    lanes: Lanes<Job>,
    /// Threads without a call; the one that worked last is woken first, as its processor's caches
    /// are warm.
    idle: Vec<Arc<Worker>>,
    running: Vec<Running>,
    most_aside: usize,
    ending: bool,
}

/// A thread for calls.
struct Worker {
    number: usize,
    thread: Thread,
    id: Pid,
    woken: AtomicBool,
}

/// A call that runs.
struct Running {
    worker: Arc<Worker>,
    lane: Lane,
    began: Instant,
    on_probation: bool,
    aside: bool,
    less_priority: bool,
}

impl std::fmt::Debug for Queue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Queue").finish_non_exhaustive()
    }
}

impl CallThreads {
    /// Starts threads for so many calls at once of one plug-in, and one more for the others, with
    /// a queue for so many calls of each.
    pub(crate) fn start(threads: usize, most: usize) -> std::io::Result<Self> {
        let threads = threads.max(1);
        let queue = Arc::new(Queue {
            jobs: Mutex::new(Jobs {
                lanes: Lanes::new(threads, most),
                idle: Vec::new(),
                running: Vec::new(),
                most_aside: threads.saturating_mul(ASIDE),
                ending: false,
            }),
            run: AtomicU64::new(0),
            busy: AtomicU64::new(0),
            aside: AtomicU64::new(0),
        });
        let threads_and_queue = Self { queue };
        for number in 0..=threads {
            Queue::start_worker(&threads_and_queue.queue, number)?;
        }
        Ok(threads_and_queue)
    }

    /// Runs a call of a plug-in on one of the threads. A caller that gives up before the call's
    /// turn takes it out of the queue; one that has begun runs to its end.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        lane: Lane,
        call: impl FnOnce() -> Result<T, CallFailure> + Send + 'static,
    ) -> Result<T, CallFailure> {
        let (answer, answered) = oneshot::channel();
        self.queue.push(
            lane,
            Box::new(move || {
                if answer.is_closed() {
                    return Ended::Within;
                }
                let result = guarded(call);
                let ended = how(&result);
                // Nobody waits any more if it cannot be sent.
                let _ = answer.send(result);
                ended
            }),
        )?;
        answered.await.unwrap_or(Err(CallFailure::Stopping))
    }

    /// Runs a call of a plug-in in its turn, with nobody waiting for the answer.
    pub(crate) fn post(
        &self,
        lane: Lane,
        call: impl FnOnce() -> Result<(), CallFailure> + Send + 'static,
    ) -> Result<(), CallFailure> {
        self.queue.push(lane, Box::new(move || how(&guarded(call))))
    }

    /// To be called again and again while calls run: sets those aside that run long.
    pub(crate) fn ticker(&self) -> impl Fn() + Send + 'static {
        let queue = Arc::downgrade(&self.queue);
        move || {
            if let Some(queue) = queue.upgrade() {
                queue.tick(Instant::now());
            }
        }
    }

    /// A plug-in is gone.
    pub(crate) fn forget(&self, lane: Lane) {
        self.queue.lock().lanes.forget(lane);
    }

    pub(crate) fn counts(&self) -> CallCounts {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        CallCounts {
            run: of(&self.queue.run),
            busy: of(&self.queue.busy),
            waiting: self.queue.lock().lanes.waiting() as u64,
            aside: of(&self.queue.aside),
        }
    }
}

impl Drop for CallThreads {
    fn drop(&mut self) {
        let mut jobs = self.queue.lock();
        jobs.ending = true;
        let left = std::mem::replace(&mut jobs.lanes, Lanes::new(1, 0));
        let idle = std::mem::take(&mut jobs.idle);
        drop(jobs);
        for worker in idle {
            worker.wake();
        }
        drop(left);
    }
}

impl Worker {
    fn wake(&self) {
        self.woken.store(true, Ordering::Release);
        self.thread.unpark();
    }

    fn rest(&self) {
        while !self.woken.swap(false, Ordering::Acquire) {
            thread::park();
        }
    }
}

impl Queue {
    // A job cannot poison it: jobs run unlocked.
    fn lock(&self) -> MutexGuard<'_, Jobs> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, lane: Lane, job: Job) -> Result<(), CallFailure> {
        let mut jobs = self.lock();
        if let Err(waiting) = jobs.lanes.push(lane, job, Instant::now()) {
            self.busy.fetch_add(1, Ordering::Relaxed);
            return Err(CallFailure::Busy {
                waiting,
                retry_after: Duration::from_millis(500),
            });
        }
        wake_one(jobs);
        Ok(())
    }

    fn start_worker(queue: &Arc<Self>, number: usize) -> std::io::Result<()> {
        let queue = Arc::clone(queue);
        thread::Builder::new()
            .name(format!("plugin-call-{number}"))
            .stack_size(THREAD_STACK)
            .spawn(move || {
                NUMBER.set(Some(number));
                let worker = Arc::new(Worker {
                    number,
                    thread: thread::current(),
                    id: rustix::thread::gettid(),
                    woken: AtomicBool::new(false),
                });
                let mut ended = None;
                while let Some(turn) = queue.next(&worker, ended) {
                    queue.run.fetch_add(1, Ordering::Relaxed);
                    if turn.on_probation {
                        queue.set_aside_here(&worker, turn.at_fault);
                    }
                    ended = Some((turn.job)());
                }
            })?;
        Ok(())
    }

    /// Notes how the call before ended, and waits for the next; none if the thread is to end.
    fn next(&self, worker: &Arc<Worker>, ended: Option<Ended>) -> Option<Turn<Job>> {
        let mut jobs = self.lock();
        if let Some(ended) = ended
            && let Some(run) = jobs.take_running(worker)
        {
            let was = (run.aside, run.on_probation);
            jobs.lanes.ended(run.lane, ended, was, Instant::now());
            if run.aside {
                wake_one(jobs);
                return None;
            }
        }
        loop {
            if jobs.ending {
                return None;
            }
            let now = Instant::now();
            if let Some(turn) = jobs.lanes.next(now) {
                jobs.running.push(Running {
                    worker: Arc::clone(worker),
                    lane: turn.lane,
                    began: now,
                    on_probation: turn.on_probation,
                    aside: false,
                    less_priority: false,
                });
                return Some(turn);
            }
            jobs.idle.push(Arc::clone(worker));
            drop(jobs);
            worker.rest();
            jobs = self.lock();
        }
    }

    fn tick(self: &Arc<Self>, now: Instant) {
        let mut guard = self.lock();
        let jobs = &mut *guard;
        let mut aside = jobs.running.iter().filter(|run| run.aside).count();
        for run in &mut jobs.running {
            let age = now.saturating_duration_since(run.began);
            if !run.aside && age >= SHORT && aside < jobs.most_aside && self.replace(run) {
                jobs.lanes.set_aside(run.lane, now);
                aside += 1;
            }
            // A thread that stays is not slowed down: it could not be made fast again.
            if run.aside && !run.less_priority && age >= LONG {
                run.less_priority = true;
                less_priority(run.worker.id, NICE.0);
            }
        }
    }

    /// A call of a plug-in that ran into its limits lately is set aside before it begins. One that
    /// was starved gets no less of a processor for that.
    fn set_aside_here(self: &Arc<Self>, worker: &Arc<Worker>, at_fault: bool) {
        let mut guard = self.lock();
        let jobs = &mut *guard;
        let aside = jobs.running.iter().filter(|run| run.aside).count();
        let run = jobs
            .running
            .iter_mut()
            .find(|run| Arc::ptr_eq(&run.worker, worker));
        if let Some(run) = run
            && aside < jobs.most_aside
            && self.replace(run)
        {
            jobs.lanes.set_aside(run.lane, Instant::now());
            if at_fault {
                run.less_priority = true;
                less_priority(worker.id, NICE.1);
            }
        }
    }

    /// Starts a thread in the place of one whose call runs long.
    fn replace(self: &Arc<Self>, run: &mut Running) -> bool {
        match Self::start_worker(self, run.worker.number) {
            Ok(()) => {
                self.aside.fetch_add(1, Ordering::Relaxed);
                run.aside = true;
            }
            Err(error) => tracing::warn!(%error, "no more threads for plug-in calls"),
        }
        run.aside
    }
}

impl Jobs {
    fn take_running(&mut self, worker: &Arc<Worker>) -> Option<Running> {
        let at = self
            .running
            .iter()
            .position(|run| Arc::ptr_eq(&run.worker, worker))?;
        Some(self.running.swap_remove(at))
    }
}

/// Wakes a thread if there is something for it to do.
fn wake_one(mut jobs: MutexGuard<'_, Jobs>) {
    let worker = if jobs.lanes.has_turn() {
        jobs.idle.pop()
    } else {
        None
    };
    drop(jobs);
    if let Some(worker) = worker {
        worker.wake();
    }
}

/// Where it cannot be had, long calls have the priority of others; they still end.
fn less_priority(thread: Pid, nice: i32) {
    if let Err(error) = setpriority_process(Some(thread), nice) {
        tracing::debug!(%error, "a long plug-in call keeps its priority");
    }
}

/// Whether a call took all that it may.
fn how<T>(result: &Result<T, CallFailure>) -> Ended {
    match result {
        Err(CallFailure::TimedOut { .. } | CallFailure::OutOfMemory { .. }) => Ended::AtItsLimit,
        Err(CallFailure::Starved { .. }) => Ended::Starved,
        _ => Ended::Within,
    }
}

/// Runs our own code around a guest so that a panic of ours is an error of that one call.
pub(crate) fn guarded<T>(call: impl FnOnce() -> Result<T, CallFailure>) -> Result<T, CallFailure> {
    // What the call was changing is its own store, which is dropped with it.
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|panic| {
        let text = panic_text(panic.as_ref());
        tracing::error!(
            panic = text,
            "a plug-in call panicked in the server's own code"
        );
        Err(CallFailure::Panicked(text.to_owned()))
    })
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("a panic without a text")
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use std::sync::mpsc;
    use tokio::task::JoinHandle;

    /// A call that runs until it is released, or its test is over.
    struct Held {
        call: JoinHandle<Result<i32, CallFailure>>,
        release: mpsc::Sender<()>,
    }

    /// Begins one, and gives back when it runs.
    async fn hold(threads: &Arc<CallThreads>, lane: Lane) -> Held {
        let (begun, has_begun) = oneshot::channel();
        let (release, released) = mpsc::channel::<()>();
        let threads = Arc::clone(threads);
        let call = tokio::spawn(async move {
            let call = move || {
                begun.send(()).unwrap();
                // An end of the test is an end of the call.
                let _ = released.recv();
                Ok(1)
            };
            threads.run(lane, call).await
        });
        has_begun.await.unwrap();
        Held { call, release }
    }

    #[tokio::test]
    async fn a_full_queue_is_busy_and_a_panic_is_one_call_s_error() {
        let threads = Arc::new(CallThreads::start(1, 1).unwrap());
        let lane = Lane::new();
        let first = hold(&threads, lane).await;
        let mut second =
            Box::pin(threads.run(lane, || -> Result<i32, CallFailure> { panic!("ours") }));
        assert!(second.as_mut().now_or_never().is_none());
        let third = threads.run(lane, || Ok(3)).await;
        assert!(
            matches!(third, Err(CallFailure::Busy { waiting: 1, .. })),
            "{third:?}"
        );
        first.release.send(()).unwrap();
        assert_eq!(first.call.await.unwrap(), Ok(1));
        assert_eq!(second.await, Err(CallFailure::Panicked("ours".into())));
        assert_eq!(threads.run(lane, || Ok(4)).await, Ok(4));
        let counts = threads.counts();
        assert_eq!((counts.run, counts.busy, counts.waiting), (3, 1, 0));
    }

    #[tokio::test]
    async fn a_plug_in_that_holds_all_its_threads_does_not_hold_up_another() {
        let threads = Arc::new(CallThreads::start(2, 100).unwrap());
        let (bad, good) = (Lane::new(), Lane::new());
        let held = [hold(&threads, bad).await, hold(&threads, bad).await];
        let mut more = Box::pin(threads.run(bad, || Ok(2)));
        assert!(more.as_mut().now_or_never().is_none());
        for _ in 0..100 {
            assert_eq!(threads.run(good, || Ok(3)).await, Ok(3));
        }
        assert!(more.as_mut().now_or_never().is_none());
        for one in held {
            one.release.send(()).unwrap();
            one.call.await.unwrap().unwrap();
        }
        assert_eq!(more.await, Ok(2));
    }

    #[tokio::test]
    async fn long_calls_of_many_plug_ins_are_set_aside_up_to_a_bound() {
        let threads = Arc::new(CallThreads::start(1, 100).unwrap());
        let (tick, far) = (threads.ticker(), Instant::now() + SHORT + LONG);
        let mut held = Vec::new();
        // Two threads; each further call gets one as the calls before are set aside.
        for number in 0..ASIDE {
            held.push(hold(&threads, Lane::new()).await);
            threads.queue.tick(far);
            assert_eq!(threads.counts().aside, number as u64 + 1);
        }
        for _ in 0..2 {
            held.push(hold(&threads, Lane::new()).await);
            threads.queue.tick(far);
        }
        assert_eq!(threads.counts().aside, ASIDE as u64);
        let mut more = Box::pin(threads.run(Lane::new(), || Ok(2)));
        assert!(more.as_mut().now_or_never().is_none());
        for one in held {
            one.release.send(()).unwrap();
            one.call.await.unwrap().unwrap();
        }
        assert_eq!(more.await, Ok(2));
        // Threads that were set aside have ended, and two are left.
        tick();
        let two = [
            hold(&threads, Lane::new()).await,
            hold(&threads, Lane::new()).await,
        ];
        let mut third = Box::pin(threads.run(Lane::new(), || Ok(2)));
        assert!(third.as_mut().now_or_never().is_none());
        drop(two);
        assert_eq!(third.await, Ok(2));
    }

    #[tokio::test]
    async fn who_is_on_probation_has_one_thread_that_is_set_aside() {
        let threads = Arc::new(CallThreads::start(1, 100).unwrap());
        let bad = Lane::new();
        let limit = Duration::from_millis(1);
        let timed_out = threads.run(bad, move || Err::<(), _>(CallFailure::TimedOut { limit }));
        assert_eq!(timed_out.await, Err(CallFailure::TimedOut { limit }));
        let held = hold(&threads, bad).await;
        let mut second = Box::pin(threads.run(bad, || Ok(2)));
        assert!(second.as_mut().now_or_never().is_none());
        assert_eq!(threads.counts().aside, 1);
        // Both of the usual threads are free for others.
        let others = [
            hold(&threads, Lane::new()).await,
            hold(&threads, Lane::new()).await,
        ];
        drop(others);
        held.release.send(()).unwrap();
        assert_eq!(second.await, Ok(2));
    }
}
