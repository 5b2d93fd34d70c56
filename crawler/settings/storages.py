"""How storages are reached: the section ``storages``, for feeds and files that go somewhere else than to a local disk."""

from __future__ import annotations

from crawler.settings.field import Section, section, setting


@section
class Storages(Section):
    """How storages are reached. What is empty comes from where the storage's own tools look: the environment, their files."""

    timeout: float = setting(60.0, "Seconds without an answer of a storage until it is given up.", minimum=0.001)
    ca_file: str = setting("", "File of certificates to trust for ftps and s3, instead of the system's.")
    s3_key: str = setting("", "Access key.", "AWS_ACCESS_KEY_ID")
    s3_secret: str = setting("", "Secret access key.", "AWS_SECRET_ACCESS_KEY", secret=True)
    s3_token: str = setting("", "Session token.", "AWS_SESSION_TOKEN", secret=True)
    s3_endpoint: str = setting("", "URL of a server that speaks S3, if it is not Amazon's.", "AWS_ENDPOINT_URL")
    s3_region: str = setting("", "Region.", "AWS_REGION_NAME")
    s3_tls: bool = setting(True, "Speak TLS where the endpoint does not say.", "AWS_USE_SSL")
    s3_verify: bool = setting(True, "Refuse certificates that are not trusted.", "AWS_VERIFY")
    s3_connections: int = setting(10, "Connections at once.", "AWS_MAX_POOL_CONNECTIONS", minimum=1)
    s3_acl: str = setting("", "Who may read the feeds that are put there, by S3's names.", "FEED_STORAGE_S3_ACL")
    gs_project: str = setting("", "Project of Google Cloud.", "GCS_PROJECT_ID")
    gs_endpoint: str = setting("", "URL of a server that speaks Google's protocol, if it is not Google's.")
    gs_acl: str = setting("", "Who may read the feeds that are put there, by Google's names.", "FEED_STORAGE_GCS_ACL")
    ftp_user: str = setting("anonymous", "User, if the URL names none.", "FTP_USER")
    ftp_password: str = setting("guest", "Password, if the URL names no user.", "FTP_PASSWORD", secret=True)
    ftp_passive: bool = setting(True, "Let the server open the ports for files.", "FTP_PASSIVE_MODE")
    sftp_known_hosts: str = setting("", "File of the keys of SSH servers; by default that of ssh, ~/.ssh/known_hosts.")
