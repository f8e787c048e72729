//! The threads that run calls, and the queue in front of them.
//!
//! Calls do not run on the threads that serve sockets: a plug-in may take its whole time limit.
//! The queue does not grow without bound; one more than it holds is told to come again.

use crate::fault::CallFailure;
use std::any::Any;
use std::cell::Cell;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;
use tokio::sync::oneshot;

// The guest's own stack lies on the thread's, and what crosses is converted below it.
const THREAD_STACK: usize = 4 << 20;

type Job = Box<dyn FnOnce() + Send>;

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

struct Queue {
    jobs: Mutex<Jobs>,
    more: Condvar,
    most: usize,
    run: AtomicU64,
    busy: AtomicU64,
}

struct Jobs {
    waiting: VecDeque<Job>,
    ending: bool,
}

impl std::fmt::Debug for Queue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Queue")
            .field("most", &self.most)
            .finish_non_exhaustive()
    }
}

impl CallThreads {
    /// Starts so many threads, with a queue for so many calls.
    pub(crate) fn start(threads: usize, most: usize) -> std::io::Result<Self> {
        let queue = Arc::new(Queue {
            jobs: Mutex::new(Jobs {
                waiting: VecDeque::new(),
                ending: false,
            }),
            more: Condvar::new(),
            most,
            run: AtomicU64::new(0),
            busy: AtomicU64::new(0),
        });
        let threads_and_queue = Self { queue };
        for number in 0..threads.max(1) {
            let queue = Arc::clone(&threads_and_queue.queue);
            thread::Builder::new()
                .name(format!("plugin-call-{number}"))
                .stack_size(THREAD_STACK)
                .spawn(move || {
                    NUMBER.set(Some(number));
                    queue.run_jobs();
                })?;
        }
        Ok(threads_and_queue)
    }

    /// Runs a call on one of the threads. A caller that gives up before the call's turn takes it
    /// out of the queue; one that has begun runs to its end.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        call: impl FnOnce() -> Result<T, CallFailure> + Send + 'static,
    ) -> Result<T, CallFailure> {
        let (answer, answered) = oneshot::channel();
        self.queue.push(Box::new(move || {
            if !answer.is_closed() {
                // Nobody waits any more if it cannot be sent.
                let _ = answer.send(guarded(call));
            }
        }))?;
        answered.await.unwrap_or(Err(CallFailure::Stopping))
    }

    /// Calls that were run, that were turned away, and that wait.
    pub(crate) fn counts(&self) -> (u64, u64, u64) {
        let waiting = self.queue.lock().waiting.len() as u64;
        (
            self.queue.run.load(Ordering::Relaxed),
            self.queue.busy.load(Ordering::Relaxed),
            waiting,
        )
    }
}

impl Drop for CallThreads {
    fn drop(&mut self) {
        let mut jobs = self.queue.lock();
        jobs.ending = true;
        let left = std::mem::take(&mut jobs.waiting);
        drop(jobs);
        self.queue.more.notify_all();
        drop(left);
    }
}

impl Queue {
    // A job cannot poison it: jobs run unlocked.
    fn lock(&self) -> MutexGuard<'_, Jobs> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, job: Job) -> Result<(), CallFailure> {
        let mut jobs = self.lock();
        let waiting = jobs.waiting.len();
        if waiting >= self.most {
            self.busy.fetch_add(1, Ordering::Relaxed);
            return Err(CallFailure::Busy {
                waiting,
                retry_after: Duration::from_millis(500),
            });
        }
        jobs.waiting.push_back(job);
        drop(jobs);
        self.more.notify_one();
        Ok(())
    }

    fn next(&self) -> Option<Job> {
        let mut jobs = self
            .more
            .wait_while(self.lock(), |jobs| jobs.waiting.is_empty() && !jobs.ending)
            .unwrap_or_else(PoisonError::into_inner);
        jobs.waiting.pop_front()
    }

    fn run_jobs(&self) {
        while let Some(job) = self.next() {
            self.run.fetch_add(1, Ordering::Relaxed);
            job();
        }
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

    #[tokio::test]
    async fn a_full_queue_is_busy_and_a_panic_is_one_call_s_error() {
        let threads = Arc::new(CallThreads::start(1, 1).unwrap());
        let (begun, has_begun) = mpsc::channel();
        let (release, released) = mpsc::channel::<()>();
        let first = tokio::spawn({
            let threads = Arc::clone(&threads);
            async move {
                threads
                    .run(move || {
                        begun.send(()).unwrap();
                        released.recv().unwrap();
                        Ok(1)
                    })
                    .await
            }
        });
        tokio::task::spawn_blocking(move || has_begun.recv().unwrap())
            .await
            .unwrap();
        let mut second = Box::pin(threads.run(|| -> Result<i32, CallFailure> { panic!("ours") }));
        assert!(second.as_mut().now_or_never().is_none());
        let third = threads.run(|| Ok(3)).await;
        assert!(
            matches!(third, Err(CallFailure::Busy { waiting: 1, .. })),
            "{third:?}"
        );
        release.send(()).unwrap();
        assert_eq!(first.await.unwrap(), Ok(1));
        assert_eq!(second.await, Err(CallFailure::Panicked("ours".into())));
        assert_eq!(threads.run(|| Ok(4)).await, Ok(4));
        assert_eq!(threads.counts(), (3, 1, 0));
    }
}
