//! JSON-RPC requests as wallet providers take them (EIP-1193), for every chain.

use core::fmt;

use portal_chains::ChainId;
use portal_lifecycle::ErrorId;
use serde_json::{Value, json};

use crate::{Error, Portal};

/// What is signed here and not sent.
const SIGNED: [&str; 6] = [
    "eth_signTransaction",
    "personal_sign",
    "eth_signTypedData_v4",
    "sol_signTransaction",
    "sol_signMessage",
    "btc_signTransaction",
];

/// Why a request was not answered, as EIP-1193 tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderError(Error);

impl ProviderError {
    /// The code: of EIP-1193 where it has one, else of JSON-RPC 2.0 and EIP-1474.
    ///
    /// | code | |
    /// |---|---|
    /// | 4001 | somebody who is asked before a signature said no |
    /// | 4100 | this device, or this credential, has no wallet that signs |
    /// | 4200 | the method is none that is answered here |
    /// | 4900 | the server cannot be reached |
    /// | 4901 | the chain is none that wallets sign for, or its node fails |
    /// | −32602 | the parameters are not those of the method |
    /// | −32002, −32005 | something else is under way; over the limit |
    /// | −32603 | anything else; [`error`](Self::error) says what |
    #[must_use]
    pub const fn code(&self) -> i32 {
        match self.0.id() {
            ErrorId::Forbidden | ErrorId::AddressBlocked => 4001,
            ErrorId::AuthFailed
            | ErrorId::WalletNotFound
            | ErrorId::WalletEjected
            | ErrorId::SigningShareNotOnDevice
            | ErrorId::SigningShareSuperseded
            | ErrorId::SigningShareFrozen
            | ErrorId::SignShareMismatch => 4100,
            ErrorId::MethodUnsupported => 4200,
            ErrorId::Unavailable | ErrorId::WsClosed | ErrorId::WsTimeout => 4900,
            ErrorId::ChainUnsupported | ErrorId::RpcOpFailed => 4901,
            ErrorId::BadRequest
            | ErrorId::TxBuildFailed
            | ErrorId::MsgBuildFailed
            | ErrorId::PayloadTooLarge => -32602,
            ErrorId::OperationInProgress => -32002,
            ErrorId::RateLimited => -32005,
            _ => -32603,
        }
    }

    /// What was expected, what came, and what to do.
    #[must_use]
    pub fn message(&self) -> &str {
        self.0.detail()
    }

    /// The error itself, with the id that says more than the code.
    #[must_use]
    pub const fn error(&self) -> &Error {
        &self.0
    }
}

impl fmt::Display for ProviderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.0, self.code())
    }
}

impl std::error::Error for ProviderError {}

impl From<Error> for ProviderError {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl Portal {
    /// Answers a JSON-RPC request of an app (EIP-1193), on a chain by its CAIP-2 id.
    ///
    /// | method | answer |
    /// |---|---|
    /// | `eth_chainId` | the chain's number, in hex |
    /// | `eth_accounts` | the wallet's address; none where this device holds no wallet |
    /// | `eth_requestAccounts` | the wallet's address, or an error |
    /// | `eth_signTransaction`, `personal_sign`, `eth_signTypedData_v4`, `sol_signTransaction`, `sol_signMessage`, `btc_signTransaction` | what [`sign`](Self::sign) signs, encoded as the chain's nodes take it |
    ///
    /// Nothing here asks a node of the chain: what sends (`eth_sendTransaction`) or reads
    /// (`eth_call`) is refused, and the app's own node answers it.
    ///
    /// # Errors
    ///
    /// [`ProviderError`]: 4200 for any other method, 4901 for an unknown chain; else as
    /// [`addresses`](Self::addresses) and [`sign`](Self::sign).
    pub async fn request(
        &self,
        chain_id: &str,
        method: &str,
        params: &Value,
    ) -> Result<Value, ProviderError> {
        let chain: ChainId = chain_id.parse().map_err(Error::from)?;
        match (method, chain.eip155_number()) {
            ("eth_chainId", Some(number)) => Ok(json!(format!("{number:#x}"))),
            ("eth_requestAccounts", Some(_)) => Ok(json!([self.addresses().await?.eip155])),
            ("eth_accounts", Some(_)) => match self.addresses().await {
                Ok(addresses) => Ok(json!([addresses.eip155])),
                Err(error) if is_nobody_here(&error) => Ok(json!([])),
                Err(error) => Err(error.into()),
            },
            _ if SIGNED.contains(&method) => {
                let signed = self.sign(&chain, method, params).await?;
                Ok(json!(signed.signed.encoded()))
            }
            _ => Err(unanswered(method, &chain)),
        }
    }
}

/// Whether a device holds no wallet, which is an answer; that it could not find out is none.
fn is_nobody_here(error: &Error) -> bool {
    matches!(
        error.id(),
        ErrorId::WalletNotFound | ErrorId::SigningShareNotOnDevice
    )
}

fn unanswered(method: &str, chain: &ChainId) -> ProviderError {
    let detail = format!(
        "{method} is not answered for {chain}: no node is asked from here; send it to a node of \
         the app's, with what eth_signTransaction or its like has signed"
    );
    Error::new(ErrorId::MethodUnsupported, detail).into()
}
