//! TLS by rustls, with ring.
//!
//! `sslmode=prefer`, the default, encrypts where the server can and accepts any certificate, since
//! whoever could forge one could as well answer that the server has no TLS. `require` and stricter
//! check the certificate and the host's name: stricter than libpq's `require`, which checks neither.
//! Channel binding (SCRAM-SHA-256-PLUS) is used wherever the server offers it.

use std::path::Path;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio_postgres::config::{SslMode, SslNegotiation};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::url::Target;
use crate::Error;

const NO_ROOTS: &str =
    "`sslrootcert` names no readable PEM file with a certificate in it; check the path";

/// The connector for the target's mode and authorities.
pub(crate) fn connector(target: &Target) -> Result<MakeRustlsConnect, Error> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|_| Error::Protocol("no version of TLS is available"))?;
    let mut config = if target.config.get_ssl_mode() == SslMode::Require {
        let roots = Arc::new(roots(target.root_certificates.as_deref())?);
        let verifier = WebPkiServerVerifier::builder_with_provider(roots, provider)
            .build()
            .map_err(|_| Error::Url(NO_ROOTS))?;
        builder.with_webpki_verifier(verifier).with_no_client_auth()
    } else {
        builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(AnyCertificate(provider)))
            .with_no_client_auth()
    };
    if target.config.get_ssl_negotiation() == SslNegotiation::Direct {
        // https://www.postgresql.org/docs/current/protocol-flow.html: direct TLS demands ALPN.
        config.alpn_protocols = vec![b"postgresql".to_vec()];
    }
    Ok(MakeRustlsConnect::new(config))
}

fn roots(file: Option<&Path>) -> Result<RootCertStore, Error> {
    let mut store = RootCertStore::empty();
    let Some(file) = file else {
        store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        return Ok(store);
    };
    let certificates = CertificateDer::pem_file_iter(file).map_err(|_| Error::Url(NO_ROOTS))?;
    for certificate in certificates {
        certificate
            .ok()
            .and_then(|certificate| store.add(certificate).ok())
            .ok_or(Error::Url(NO_ROOTS))?;
    }
    if store.is_empty() {
        return Err(Error::Url(NO_ROOTS));
    }
    Ok(store)
}

/// `sslmode=prefer`: the certificate proves nothing and need not.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
