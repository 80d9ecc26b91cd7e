//! `portal client …`

use std::path::Path;

use anyhow::{Context as _, bail};
use portal_api::Problem;
use portal_api::rest::{
    ClientState, CreateClient, CreatedClient, CreatedSession, EjectableUntil, EnableEject, Page,
};
use portal_lifecycle::ids::{ClientId, WalletId};
use portal_sdk::PinnedSealingKey;
use reqwest::{Method, RequestBuilder};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::{client_state, custodian_secrets, eject, sealing};
use crate::args::{ClientArgs, ClientCommand};
use crate::device::{Device, Profile};
use crate::output::Output;
use crate::{key_file, trust};

pub(crate) async fn run(args: ClientArgs, output: Output) -> anyhow::Result<()> {
    let api_key = match &args.api_key_file {
        Some(path) => key_file::text(path)?.to_string(),
        None => std::env::var("PORTAL_API_KEY").ok().context(
            "expected the customer's API key in --api-key-file or PORTAL_API_KEY; \
             `portal custodian create` makes one",
        )?,
    };
    let known = match &args.command {
        ClientCommand::Create if Device::exists(&args.device) => bail!(
            "{} holds a device already; give the new client's device another directory",
            args.device.display()
        ),
        ClientCommand::Login { client } => Some(client_id(client)?),
        _ => None,
    };
    let renewed = known.map(|client| device_of(client, &args.device));
    let renewed = renewed.transpose()?.flatten();
    // The device's profile keeps it, and is used from anywhere.
    let ca_file = args.ca_file.as_ref().map(std::path::absolute).transpose()?;
    let ca_file = ca_file.or_else(|| renewed.as_ref()?.profile.ca_file.clone());
    let custodian = Custodian {
        server: &args.server,
        api_key: &api_key,
        ca_file: ca_file.as_deref(),
    };
    match &args.command {
        ClientCommand::Create | ClientCommand::Login { .. } => {}
        ClientCommand::Revoke { client, api_key } => {
            return revoke(&custodian, client, *api_key, output).await;
        }
        ClientCommand::Show { client } => {
            let client = custodian.client(*client).await?;
            output.result(client_state::lines(&client).join("\n"), &json!(client));
            return Ok(());
        }
        ClientCommand::List => return list(&custodian, output).await,
        ClientCommand::EnableEject { client, wallet } => {
            let enabled = custodian.enable_eject(*client, *wallet).await?;
            eject::tell_window(enabled.ejectable_until, output);
            return Ok(());
        }
        ClientCommand::DisableEject { client } => {
            custodian.delete(*client, "enable-eject").await?;
            eject::tell_closed(*client, output);
            return Ok(());
        }
    }
    // First: where no key is shown, nothing is made.
    let (sealing_key, plain_backups) = backups(&args, renewed.as_ref(), ca_file.as_deref()).await?;
    let (id, token) = match known {
        None => {
            let created = custodian.create_client().await?;
            (created.id, created.client_session_token)
        }
        Some(id) => (id, custodian.create_session(id).await?.client_session_token),
    };
    let (custodian, custodian_token) = match &renewed {
        // Only the session is renewed where no other backend is named.
        Some(Device { profile, .. }) if args.custodian.is_none() => {
            (profile.custodian.clone(), profile.custodian_token.clone())
        }
        _ => (args.custodian.clone(), app_token(&args, id)?),
    };
    let profile = Profile {
        server: args.server.clone(),
        client_id: id,
        client_token: token.expose().to_owned(), // to be written there
        custodian,
        custodian_token,
        sealing_key,
        plain_backups,
        ca_file,
    };
    match renewed {
        Some(device) => device.renew(profile)?,
        None => Device::create(&args.device, profile)?,
    };
    let device = args.device.display();
    output.result(
        format!("Client {id}; device in {device}\nNext: portal wallet --device {device} …"),
        &json!({ "clientId": id, "device": args.device }),
    );
    Ok(())
}

/// How the device will make its backups: the key that it pins, and whether they are plain. As it
/// is told, else as it did, else with the key that the customer's backend shows.
async fn backups(
    args: &ClientArgs,
    renewed: Option<&Device>,
    ca_file: Option<&Path>,
) -> anyhow::Result<(Option<PinnedSealingKey>, bool)> {
    let former = renewed.map(|device| &device.profile);
    let pinned = former.and_then(|profile| profile.sealing_key);
    let is_plain =
        args.plain_backups || (pinned.is_none() && former.is_some_and(|it| it.plain_backups));
    let base = args.custodian.as_deref();
    let base = base.or_else(|| former?.custodian.as_deref());
    match (args.sealing_key, base) {
        (Some(key), _) => Ok((Some(key), false)),
        (None, _) if is_plain => Ok((None, true)),
        (None, Some(base)) => Ok((Some(sealing::pin(base, ca_file, pinned).await?), false)),
        (None, None) => Ok((pinned, false)),
    }
}

fn client_id(text: &str) -> anyhow::Result<ClientId> {
    text.parse().ok().context("expected a client's id (a UUID)")
}

async fn revoke(
    custodian: &Custodian<'_>,
    client: &str,
    api_key: bool,
    output: Output,
) -> anyhow::Result<()> {
    let id = client_id(client)?;
    custodian.delete(id, "sessions").await?;
    if api_key {
        custodian.delete(id, "api-key").await?;
    }
    let what = if api_key {
        "sessions and API key"
    } else {
        "sessions"
    };
    output.result(
        format!("Client {id}: its {what} are revoked"),
        &json!({ "clientId": id, "sessions": true, "apiKey": api_key }),
    );
    Ok(())
}

/// A line for each end user; for scripts each as it is read alone.
async fn list(custodian: &Custodian<'_>, output: Output) -> anyhow::Result<()> {
    let mut clients = Vec::new();
    let mut cursor = None;
    loop {
        let page = custodian.clients(cursor.as_deref()).await?;
        clients.extend(page.results);
        cursor = page.metadata.cursor;
        if cursor.is_none() {
            break;
        }
    }
    let line = |client: &ClientState| format!("{}  {}", client.id, client_state::wallet(client));
    let lines: Vec<String> = clients.iter().map(line).collect();
    output.result(lines.join("\n"), &json!({ "clients": clients }));
    Ok(())
}

/// The client's device in that directory, if there is one; another client's is left alone.
fn device_of(client: ClientId, directory: &Path) -> anyhow::Result<Option<Device>> {
    if !Device::exists(directory) {
        return Ok(None);
    }
    let device = Device::open(directory)?;
    if device.profile.client_id != client {
        bail!(
            "{} holds a device of client {}; log {client} in with another directory",
            directory.display(),
            device.profile.client_id
        );
    }
    Ok(Some(device))
}

fn app_token(args: &ClientArgs, client: ClientId) -> anyhow::Result<Option<String>> {
    match (&args.custodian, &args.custodian_data) {
        (Some(_), Some(data)) => Ok(Some(mint(data, client)?)),
        (Some(_), None) => bail!("--custodian needs --custodian-data, to mint the app's token"),
        (None, _) => Ok(None),
    }
}

/// The app's token for the customer's backend.
pub(crate) fn mint(custodian_data: &Path, client: ClientId) -> anyhow::Result<String> {
    Ok(custodian_secrets::app_tokens(custodian_data)?
        .mint(client)
        .expose()
        .to_owned())
}

/// The server, as a customer's backend calls it.
pub(crate) struct Custodian<'a> {
    pub(crate) server: &'a str,
    pub(crate) api_key: &'a str,
    /// The authorities that vouch for it; the usual ones without.
    pub(crate) ca_file: Option<&'a Path>,
}

impl Custodian<'_> {
    pub(crate) async fn create_client(&self) -> anyhow::Result<CreatedClient> {
        self.post("api/v3/custodians/me/clients", &CreateClient::default())
            .await
    }

    pub(crate) async fn create_session(&self, client: ClientId) -> anyhow::Result<CreatedSession> {
        self.post(
            &format!("api/v3/custodians/me/clients/{client}/sessions"),
            &json!({}),
        )
        .await
    }

    async fn client(&self, client: ClientId) -> anyhow::Result<ClientState> {
        self.get(&format!("api/v3/custodians/me/clients/{client}"))
            .await
    }

    /// The page of clients after that cursor.
    async fn clients(&self, cursor: Option<&str>) -> anyhow::Result<Page<ClientState>> {
        let after = cursor.map(|cursor| format!("?cursor={cursor}"));
        let after = after.unwrap_or_default();
        self.get(&format!("api/v3/custodians/me/clients{after}"))
            .await
    }

    /// Ends something of the client's.
    async fn delete(&self, client: ClientId, what: &str) -> anyhow::Result<()> {
        let path = format!("api/v3/custodians/me/clients/{client}/{what}");
        let request = self.request(Method::DELETE, &path)?;
        nothing(request.send().await, self.server).await
    }

    async fn enable_eject(
        &self,
        client: ClientId,
        wallet_id: WalletId,
    ) -> anyhow::Result<EjectableUntil> {
        let path = format!("api/v3/custodians/me/clients/{client}/enable-eject");
        let body = EnableEject {
            wallet_id,
            ejectable_until: None,
        };
        let request = self.request(Method::PATCH, &path)?.json(&body);
        answer(request.send().await, self.server).await
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        let request = self.request(Method::GET, path)?;
        answer(request.send().await, self.server).await
    }

    async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> anyhow::Result<T> {
        let request = self.request(Method::POST, path)?.json(body);
        answer(request.send().await, self.server).await
    }

    fn request(&self, method: Method, path: &str) -> anyhow::Result<RequestBuilder> {
        let url = format!("{}/{path}", self.server.trim_end_matches('/'));
        let http = trust::http(self.server, self.ca_file)?;
        Ok(http.request(method, url).bearer_auth(self.api_key))
    }
}

/// Reads an answer, or the problem that came instead.
pub(crate) async fn answer<T: DeserializeOwned>(
    response: reqwest::Result<reqwest::Response>,
    server: &str,
) -> anyhow::Result<T> {
    let body = body(response, server).await?;
    serde_json::from_slice(&body).context("the answer is not what was expected")
}

/// Reads an answer without a body, or the problem that came instead.
pub(crate) async fn nothing(
    response: reqwest::Result<reqwest::Response>,
    server: &str,
) -> anyhow::Result<()> {
    body(response, server).await.map(|_| ())
}

async fn body(
    response: reqwest::Result<reqwest::Response>,
    server: &str,
) -> anyhow::Result<Vec<u8>> {
    // With the id that scripts branch on: the same call may succeed later.
    let unreachable = || portal_sdk::Error::unreachable(&format!("{server} cannot be reached"));
    let response = response.with_context(unreachable)?;
    let status = response.status();
    let body = response.bytes().await.with_context(unreachable)?;
    if status.is_success() {
        return Ok(body.into());
    }
    match serde_json::from_slice::<Problem>(&body) {
        Ok(problem) => Err(portal_sdk::Error::from(problem).into()),
        Err(_) => bail!("{server} answered {status} without saying why"),
    }
}
