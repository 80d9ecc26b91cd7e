//! A client that holds its share and lies: it speaks to the server without the SDK.

use std::sync::Arc;

use futures_util::{SinkExt as _, StreamExt as _};
use portal_api::Base64Bytes;
use portal_api::rest::ClientState;
use portal_api::session::{
    ClientFrame, Operation, PATH, PROTOCOL_VERSION, ServerFrame, Start, Wanted,
};
use portal_keychain::Keychain as _;
use portal_lifecycle::ids::{DeviceId, OperationId, SigningSharePairId};
use portal_lifecycle::{Curve, ErrorId};
use portal_mpc::secp256k1::{ClientSign, SigningShare};
use portal_mpc::{self as mpc, KeyContext, Machine as _, Message, Step, attack};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message as Frame;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};
use uuid::Uuid;

use crate::service::{Device, Service};

const DIGEST: [u8; 32] = [9; 32];

/// What the server says.
#[derive(Debug)]
pub(crate) enum Answer {
    /// A protocol message.
    Message,
    /// The end of the session.
    Problem(ErrorId),
}

/// The share, and where to use it.
pub(crate) struct Cheat {
    url: String,
    device: Device,
    pair: SigningSharePairId,
    key: KeyContext,
    share: Vec<u8>,
}

/// A session that the server has let begin.
pub(crate) struct Begun {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    session: mpc::Session,
    key: KeyContext,
    share: Vec<u8>,
}

/// A session that is one message short of a signature.
pub(crate) struct Halfway {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    third: Message,
}

impl Cheat {
    pub(crate) async fn new(service: &Service, device: &Device, state: &ClientState) -> Self {
        let names = device.keychain.list().await.unwrap();
        let name = names
            .iter()
            .find(|name| name.as_str().starts_with("signing."))
            .unwrap();
        let record = device.keychain.read(name).await.unwrap().unwrap();
        // version, generation, two ids each; then the share with its length.
        let (length, rest) = record.expose()[73..].split_at(4);
        let length = u32::from_be_bytes(length.try_into().unwrap()) as usize;
        let wallet = state
            .wallets
            .iter()
            .find(|wallet| wallet.curve == Curve::Secp256k1)
            .unwrap();
        let pair = wallet.signing_share_pairs[0].id;
        Self {
            url: service.url.replace("http://", "ws://") + PATH,
            device: Device {
                keychain: Arc::clone(&device.keychain),
                token: device.token.clone(),
            },
            pair,
            key: KeyContext {
                wallet_id: wallet.id.to_bytes(),
                new_pair: None,
                source_pair: Some(pair.to_bytes()),
            },
            share: rest[..length].to_vec(),
        }
    }

    /// After the service was restarted.
    pub(crate) fn follow(&mut self, service: &Service) {
        self.url = service.url.replace("http://", "ws://") + PATH;
    }

    pub(crate) const fn device(&self) -> &Device {
        &self.device
    }

    /// Asks for a signature; sends no protocol message yet.
    pub(crate) async fn begin(&self) -> Begun {
        let mut request = self.url.as_str().into_client_request().unwrap();
        let bearer = format!("Bearer {}", self.device.token).parse().unwrap();
        request.headers_mut().insert("authorization", bearer);
        let (mut stream, _) = tokio_tungstenite::connect_async(request).await.unwrap();
        let Some(Ok(Frame::Text(hello))) = stream.next().await else {
            panic!("no greeting")
        };
        let ServerFrame::Hello { server_nonce, .. } = serde_json::from_str(&hello).unwrap() else {
            panic!("no greeting: {hello}")
        };
        let start = ClientFrame::Start(Start {
            protocol_version: PROTOCOL_VERSION,
            token: None,
            trace_id: None,
            device_id: DeviceId(Uuid::from_bytes([1; 16])),
            operation_id: OperationId(Uuid::from_bytes([2; 16])),
            deadline_ms: None,
            client_nonce: Base64Bytes(vec![3; 32]),
            operation: Operation::Sign {
                curve: Curve::Secp256k1,
                signing_share_pair_id: self.pair,
                wanted: Wanted::raw(DIGEST),
            },
        });
        let start = serde_json::to_string(&start).unwrap();
        stream.send(Frame::text(start)).await.unwrap();
        let session = mpc::Session {
            operation: mpc::Operation::Sign,
            generation: 1,
            client_nonce: [3; 32],
            server_nonce: server_nonce.to_array().unwrap(),
        };
        Begun {
            stream,
            session,
            key: self.key,
            share: self.share.clone(),
        }
    }

    /// A session whose OT extension has one bit changed at `position`.
    pub(crate) async fn lie(&self, position: usize) -> Answer {
        self.begin().await.send_lie(position).await
    }

    /// A session that is honest as far as its third message, which is kept back.
    pub(crate) async fn halfway(&self) -> Halfway {
        let mut begun = self.begin().await;
        let (machine, first) = begun.honest_first();
        begun
            .stream
            .send(Frame::binary(first.into_bytes()))
            .await
            .unwrap();
        let Some(Ok(Frame::Binary(second))) = begun.stream.next().await else {
            panic!("no second message")
        };
        let Step::Continue { message: third, .. } =
            machine.step(&second, &mut rand::rng()).unwrap()
        else {
            panic!("finished early")
        };
        Halfway {
            stream: begun.stream,
            third,
        }
    }
}

impl Begun {
    fn honest_first(&self) -> (ClientSign, Message) {
        let share = SigningShare::decode(&self.share).unwrap();
        ClientSign::start(&self.session, &self.key, share, DIGEST, &mut rand::rng()).unwrap()
    }

    pub(crate) async fn send_honest_first(self) -> Answer {
        let (_, first) = self.honest_first();
        self.send(first.into_bytes()).await
    }

    pub(crate) async fn send_lie(self, position: usize) -> Answer {
        let (_, first) = self.honest_first();
        let share = SigningShare::decode(&self.share).unwrap();
        let lie = attack::forge_first_ecdsa_message(
            &self.session,
            &self.key,
            &share,
            &DIGEST,
            &first,
            |body| body[position] ^= 1,
        );
        self.send(lie.unwrap().into_bytes()).await
    }

    pub(crate) async fn send(mut self, message: Vec<u8>) -> Answer {
        // A server that has ended the session meanwhile has said why.
        let _ = self.stream.send(Frame::binary(message)).await;
        answer(&mut self.stream).await
    }
}

impl Halfway {
    pub(crate) async fn finish(mut self) -> Answer {
        let _ = self
            .stream
            .send(Frame::binary(self.third.into_bytes()))
            .await;
        answer(&mut self.stream).await
    }
}

async fn answer(stream: &mut WebSocketStream<MaybeTlsStream<TcpStream>>) -> Answer {
    loop {
        match stream.next().await {
            Some(Ok(Frame::Binary(_))) => return Answer::Message,
            Some(Ok(Frame::Text(text))) => match serde_json::from_str(&text).unwrap() {
                ServerFrame::Problem { problem } => return Answer::Problem(problem.id),
                other => panic!("unexpected frame {other:?}"),
            },
            // Where a step takes its time, the server asks whether its client is still there.
            Some(Ok(Frame::Ping(_))) => {}
            other => panic!("unexpected end {other:?}"),
        }
    }
}
