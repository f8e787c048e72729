//! Connect: TCP, mutual TLS, WebSocket, with buffers that are small and explicit.

use crate::agent::Shared;
use muster_agent_protocol::{LINK_PATH, MOST_SERVER_MESSAGE};
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, client_async_with_config, tungstenite};

pub(super) type Socket = WebSocketStream<TlsStream<TcpStream>>;

/// Why there is no link.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConnectError {
    #[error("\"{0}\" is no address of a server")]
    Address(String),
    #[error("cannot connect to {server}")]
    Connect {
        server: String,
        #[source]
        cause: std::io::Error,
    },
    #[error("no TLS with {server}")]
    Tls {
        server: String,
        #[source]
        cause: std::io::Error,
    },
    #[error("{server} does not open a link")]
    Handshake {
        server: String,
        #[source]
        cause: Box<tungstenite::Error>,
    },
}

pub(super) async fn connect(shared: &Shared) -> Result<Socket, ConnectError> {
    let server = shared.identity.server.clone();
    let address = || ConnectError::Address(server.clone());
    let url = reqwest::Url::parse(&server).map_err(|_| address())?;
    let host = url.host_str().ok_or_else(address)?;
    let bare = host.trim_matches(['[', ']']).to_owned();
    let port = url.port_or_known_default().ok_or_else(address)?;
    let name = ServerName::try_from(bare.clone()).map_err(|_| address())?;

    let stream = TcpStream::connect((bare.as_str(), port))
        .await
        .map_err(|cause| ConnectError::Connect {
            server: server.clone(),
            cause,
        })?;
    let _ = stream.set_nodelay(true);
    let stream = TlsConnector::from(shared.tls.clone())
        .connect(name, stream)
        .await
        .map_err(|cause| ConnectError::Tls {
            server: server.clone(),
            cause,
        })?;
    // The default would take 128 KiB for each link and is slower.
    let config = WebSocketConfig::default()
        .read_buffer_size(2048)
        .write_buffer_size(0)
        .max_message_size(Some(MOST_SERVER_MESSAGE))
        .max_frame_size(Some(MOST_SERVER_MESSAGE));
    let (socket, _) = client_async_with_config(
        format!("wss://{host}:{port}{LINK_PATH}"),
        stream,
        Some(config),
    )
    .await
    .map_err(|cause| ConnectError::Handshake {
        server,
        cause: Box::new(cause),
    })?;
    Ok(socket)
}
