//! How this crate reaches the server: over the network, or over a simulated one.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::{Sink, Stream};
use portal_api::limits::FRAME_BYTES;
use reqwest::redirect::Policy;
use rustls::ClientConfig;
use tokio_tungstenite::Connector;
use tokio_tungstenite::tungstenite::http::{Request, Response};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error as WsError, Message as Frame};
use url::Url;

use crate::{Error, trust};
use portal_lifecycle::ErrorId;

const TIMEOUT: Duration = Duration::from_secs(30);

/// An open WebSocket, as frames.
pub trait Frames:
    Stream<Item = Result<Frame, WsError>> + Sink<Frame, Error = WsError> + Send + Unpin
{
}

impl<T> Frames for T where
    T: Stream<Item = Result<Frame, WsError>> + Sink<Frame, Error = WsError> + Send + Unpin
{
}

/// Why no answer came.
#[derive(Debug, thiserror::Error)]
#[error("the server cannot be reached, or broke off")]
pub struct Unreachable;

/// Reaches the server.
#[async_trait]
pub trait Transport: Send + Sync + 'static {
    /// Sends a request and takes its whole answer, of whatever status.
    ///
    /// # Errors
    ///
    /// [`Unreachable`]; whether the request arrived is then not known.
    async fn request(&self, request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, Unreachable>;

    /// Opens a WebSocket.
    ///
    /// # Errors
    ///
    /// What the WebSocket's library says; a refusal comes as its HTTP answer.
    async fn websocket(&self, request: Request<()>) -> Result<Box<dyn Frames>, WsError>;
}

/// The limits of a WebSocket to the server.
#[must_use]
pub fn websocket_config() -> WebSocketConfig {
    WebSocketConfig::default()
        .max_frame_size(Some(FRAME_BYTES))
        .max_message_size(Some(FRAME_BYTES))
}

/// The network of the machine.
pub(crate) struct Network {
    http: reqwest::Client,
    /// For sessions the same as for REST.
    tls: Arc<ClientConfig>,
}

impl Network {
    /// Believes these authorities, or those that the machine trusts.
    pub(crate) fn new(base: &Url, authorities_pem: Option<&[u8]>) -> Result<Self, Error> {
        let tls = match authorities_pem {
            Some(authorities) => trust::only(authorities)?,
            None if base.scheme() == "http" => trust::nobody()?,
            None => trust::usual()?,
        };
        // An answer from elsewhere than the server is no answer.
        let builder = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .redirect(Policy::none())
            .tls_backend_preconfigured(ClientConfig::clone(&tls));
        // A proxy would read what goes over plain HTTP; that is for this machine alone.
        let builder = if base.scheme() == "http" {
            builder.no_proxy()
        } else {
            builder
        };
        let http = builder
            .build()
            .map_err(|_| Error::new(ErrorId::InternalError, "no HTTP client could be made"))?;
        Ok(Self { http, tls })
    }
}

#[async_trait]
impl Transport for Network {
    async fn request(&self, request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, Unreachable> {
        let request = reqwest::Request::try_from(request).map_err(|_| Unreachable)?;
        let answer = self.http.execute(request).await.map_err(|_| Unreachable)?;
        let mut response = Response::new(Vec::new());
        *response.status_mut() = answer.status();
        *response.headers_mut() = answer.headers().clone();
        *response.body_mut() = answer.bytes().await.map_err(|_| Unreachable)?.into();
        Ok(response)
    }

    async fn websocket(&self, request: Request<()>) -> Result<Box<dyn Frames>, WsError> {
        let config = Some(websocket_config());
        let tls = Some(Connector::Rustls(Arc::clone(&self.tls)));
        let connecting =
            tokio_tungstenite::connect_async_tls_with_config(request, config, true, tls);
        let (stream, _) = connecting.await?;
        Ok(Box::new(stream))
    }
}
