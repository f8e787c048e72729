//! The accept loop: from a TCP connection over TLS to requests for the router.
//!
//! Our own, because each request must know the certificate that its connection was opened with.
//! Whoever is slow loses the connection: at the handshake, before the first request, in headers.

use crate::config::HttpConfig;
use axum::Router;
use axum::body::Body;
use hyper::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use rustls::ServerConfig;
use rustls::pki_types::CertificateDer;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tower::Service as _;

/// Whoever is at the other end of a connection; an extension of each request.
#[derive(Debug, Clone)]
pub(crate) struct Peer {
    /// Where it is.
    pub(crate) address: SocketAddr,
    /// The certificate that it showed, of our CA and not expired.
    pub(crate) certificate: Option<Arc<CertificateDer<'static>>>,
}

/// What a connection is served with.
#[derive(Clone)]
struct Serving {
    tls: TlsAcceptor,
    router: Router,
    http: Builder<TokioExecutor>,
    first_request: Duration,
}

/// Accepts connections until it is told to stop; returns when those under way are done, or when
/// the time for that is up.
pub(crate) async fn accept(
    listener: TcpListener,
    tls: Arc<ServerConfig>,
    router: Router,
    config: HttpConfig,
    stopping: CancellationToken,
) {
    let serving = Serving {
        tls: TlsAcceptor::from(tls),
        router,
        http: http(&config),
        first_request: seconds(config.handshake_time),
    };
    let handshakes = Arc::new(Semaphore::new(config.most_handshakes as usize));
    let open = GracefulShutdown::new();
    loop {
        let turn = tokio::select! {
            turn = Arc::clone(&handshakes).acquire_owned() => turn,
            () = stopping.cancelled() => break,
        };
        let Ok(turn) = turn else { break };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stopping.cancelled() => break,
        };
        match accepted {
            Ok((stream, address)) => {
                tokio::spawn(serve(
                    stream,
                    address,
                    turn,
                    serving.clone(),
                    open.watcher(),
                ));
            }
            Err(error) => accept_failed(&error).await,
        }
    }
    drop(listener);
    if timeout(seconds(config.stop_time), open.shutdown())
        .await
        .is_err()
    {
        tracing::warn!("requests were still under way when the time for stopping was up");
    }
}

/// Without a free file descriptor every attempt fails until a connection ends.
async fn accept_failed(error: &std::io::Error) {
    tracing::warn!(%error, "a connection could not be accepted");
    sleep(Duration::from_millis(100)).await;
}

fn http(config: &HttpConfig) -> Builder<TokioExecutor> {
    let mut http = Builder::new(TokioExecutor::new());
    http.http1()
        .timer(TokioTimer::new())
        .header_read_timeout(seconds(config.read_time))
        .max_buf_size(64 * 1024);
    http.http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(seconds(config.read_time))
        .keep_alive_timeout(seconds(config.handshake_time))
        .max_concurrent_streams(64)
        .max_header_list_size(64 * 1024);
    http
}

fn seconds(count: u32) -> Duration {
    Duration::from_secs(count.into())
}

async fn serve(
    stream: TcpStream,
    address: SocketAddr,
    turn: OwnedSemaphorePermit,
    serving: Serving,
    open: hyper_util::server::graceful::Watcher,
) {
    // Messages are small and wait for answers; without it they would wait for each other, too.
    let _ = stream.set_nodelay(true);
    let stream = match timeout(serving.first_request, serving.tls.accept(stream)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return tracing::debug!(%address, %error, "a TLS handshake failed"),
        Err(_) => return tracing::debug!(%address, "a TLS handshake took too long"),
    };
    drop(turn);
    let certificate = stream
        .get_ref()
        .1
        .peer_certificates()
        .and_then(<[_]>::first)
        .map(|leaf| Arc::new(leaf.clone().into_owned()));
    let peer = Peer {
        address,
        certificate,
    };
    let began = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&began);
    let router = serving.router;
    let service = service_fn(move |mut request: Request<Incoming>| {
        asked.store(true, Ordering::Relaxed);
        request.extensions_mut().insert(peer.clone());
        router.clone().call(request.map(Body::new))
    });
    let connection = serving
        .http
        .serve_connection_with_upgrades(TokioIo::new(stream), service)
        .into_owned();
    let mut connection = std::pin::pin!(open.watch(connection));
    let ended = tokio::select! {
        ended = &mut connection => ended,
        // A connection that says nothing at all is under no other limit.
        () = sleep(serving.first_request) => {
            if !began.load(Ordering::Relaxed) {
                return tracing::debug!(%address, "a connection without a request was closed");
            }
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%address, %error, "a connection broke off");
    }
}
