//! A body that is held back while the credential of its request is revoked: nothing is done.

use reqwest::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::wallet::state_of;
use crate::world::World;

/// A request whose head was read and whose body is waited for.
struct HeldBack {
    connection: TcpStream,
    body: String,
}

impl HeldBack {
    async fn begin(world: &World, line: &str, token: &str, body: String) -> Self {
        let address = world.url().trim_start_matches("http://");
        let mut connection = TcpStream::connect(address).await.expect("a connection");
        let head = format!(
            "{line} HTTP/1.1\r\nhost: portal\r\nauthorization: Bearer {token}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\
             expect: 100-continue\r\nconnection: close\r\n\r\n",
            body.len()
        );
        connection.write_all(head.as_bytes()).await.expect("sent");
        // Asked for the body once it is read: the credential was found good before.
        let mut asked = [0; 25];
        connection.read_exact(&mut asked).await.expect("an answer");
        assert_eq!(&asked, b"HTTP/1.1 100 Continue\r\n\r\n");
        Self { connection, body }
    }

    /// Sends the body; gives the answer's status.
    async fn end(mut self) -> u16 {
        let body = self.body.as_bytes();
        self.connection.write_all(body).await.expect("sent");
        let mut answer = String::new();
        let read = self.connection.read_to_string(&mut answer);
        read.await.expect("an answer");
        let status = answer.split(' ').nth(1).and_then(|code| code.parse().ok());
        status.expect("a status")
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_revoked_while_its_body_was_on_its_way_does_nothing() {
    let world = World::start().await;
    let (wallet, _) = world.backed_up_wallet().await;
    let state = state_of(&wallet.portal).await;
    let client = format!("/api/v3/custodians/me/clients/{}", wallet.user.id);
    let environment = world.customer.environment_id;
    let operator = world.operator();
    let made = operator.create_custodian_key(environment).await;
    let (key, name) = made.expect("a second key");
    let body = json!({ "walletId": state.wallets[0].id }).to_string();
    let window = format!("PATCH {client}/enable-eject");
    let session = format!("POST {client}/sessions");
    let key_requests = [
        HeldBack::begin(&world, &window, &key, body.clone()).await,
        HeldBack::begin(&world, &session, &key, "{}".to_owned()).await,
    ];
    let confirm = "PATCH /api/v3/clients/me/backup-share-pairs";
    let confirm = HeldBack::begin(&world, confirm, &wallet.user.token, body.clone()).await;
    let in_force = HeldBack::begin(&world, &window, &world.customer.api_key, body).await;

    let revoked = operator.revoke_custodian_key(environment, &name).await;
    revoked.expect("revoked");
    let sessions = format!("{client}/sessions");
    let api_key = &world.customer.api_key;
    let ended = world.call(Method::DELETE, &sessions, api_key, None).await;
    assert_eq!(ended.status, 204, "{ended:?}");

    for request in key_requests.into_iter().chain([confirm]) {
        assert_eq!(request.end().await, 401);
    }
    assert_eq!(in_force.end().await, 200, "a credential that is in force");
}
