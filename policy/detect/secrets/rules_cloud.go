package secrets

// rule is one token format. The pattern is anchored at the first byte of the
// token; see package shape for what it may hold.
type rule struct {
	id      string
	pattern string
	// open says that the token may be followed by anything: its prefix alone
	// tells what it is, and what is glued to it must not hide it.
	open bool
	// near lists words, in lower case and separated by |, one of which must
	// stand shortly before the token, because its format alone says little.
	near string
	// bits is the entropy per byte that the token must have at least; 0 means
	// the usual bound, negative means none.
	bits float64
	// upper says that the token has capitals, small letters and digits.
	upper bool
}

// What runs data centres, networks and databases.
var cloudRules = []rule{
	{id: "aws-access-key", pattern: `(?:AKIA|ASIA|ABIA|ACCA|A3T[A-Z0-9])[A-Z0-9]{16}`, bits: 2.2},
	// AWS writes both halves of a key side by side: in the file that one downloads, in messages.
	{id: "aws-secret-key", pattern: `[A-Za-z0-9+/]{40}`, near: "akia|access key", bits: 4, upper: true},
	{id: "aws-bedrock-key", pattern: `ABSK[A-Za-z0-9+/]{100,270}={0,2}`, open: true},
	{id: "aws-appsync-key", pattern: `da2-[a-z0-9]{26}`},
	{id: "aws-mws-token", pattern: `amzn\.mws\.[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`},
	{id: "aws-session-token", pattern: `(?:FwoGZXIvYXdz|IQoJb3JpZ2lu)[A-Za-z0-9/+=%]{40,1000}[A-Za-z0-9/+=%]{0,1000}`, open: true},
	{id: "amazon-oauth-secret", pattern: `amzn1\.oa2-cs\.v1\.[a-f0-9]{64}`},
	{id: "gcp-api-key", pattern: `AIza[A-Za-z0-9_-]{35}`},
	{id: "gcp-oauth-secret", pattern: `GOCSPX-[A-Za-z0-9_-]{20,40}`, open: true},
	{id: "gcp-oauth-token", pattern: `ya29\.[A-Za-z0-9_-]{20,1000}[A-Za-z0-9_.-]{0,1000}`, open: true},
	{id: "gcp-refresh-token", pattern: `1//0[A-Za-z0-9_-]{30,200}`, open: true},
	{id: "gcp-oauth-client", pattern: `[0-9]{6,15}-[a-z0-9]{32}\.apps\.googleusercontent\.com`},
	{id: "azure-storage-key", pattern: `[A-Za-z0-9+/]{86}==`, open: true},
	{id: "azure-shared-access-key", pattern: `[A-Za-z0-9+/]{43}=`, open: true, near: "sharedaccesskey|shared_access_key|accesskey|secret=|accountkey|primarykey|hostname="},
	{id: "azure-client-secret", pattern: `[A-Za-z0-9_~.]{3}[0-9]Q~[A-Za-z0-9_~.-]{31,34}`},
	{id: "azure-devops-token", pattern: `[A-Za-z0-9]{76}AZDO[A-Za-z0-9]{4}`},
	{id: "azure-devops-pat", pattern: `[a-z2-7]{52}`},
	{id: "azure-sas", pattern: `sig=[A-Za-z0-9%/+]{40,60}={0,2}`, open: true},
	{id: "azure-ai-key", pattern: `[A-Za-z0-9]{52}JQQJ99[A-Za-z0-9]{26}`},
	// Keys of Azure that say of which service they are (Microsoft, "Identifiable secrets").
	{id: "azure-marked-key", pattern: `[A-Za-z0-9]{42}(?:AzSe|\+ACR|ACR)[A-Za-z0-9+/]{6}`},
	{id: "azure-marked-key", pattern: `[A-Za-z0-9+/]{42}\+ACR[A-Za-z0-9+/]{6}`},
	{id: "azure-marked-key", pattern: `[A-Za-z0-9_-]{44}AzFu[A-Za-z0-9_-]{6}==`, open: true},
	{id: "azure-marked-key", pattern: `[A-Za-z0-9+/]{33}(?:AIoT|AzCa|\+ASb|\+AEh|\+ARm)[A-Za-z0-9+/]{5}=`, open: true},
	{id: "digitalocean-token", pattern: `do[opr]_v1_[a-f0-9]{64}`, open: true},
	{id: "digitalocean-spaces", pattern: `DO00[A-Z0-9]{16}`},
	{id: "heroku-key", pattern: `HRKU-[A-Za-z0-9_-]{30,70}`, open: true},
	{id: "heroku-uuid", pattern: `[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}`, near: "heroku_api|heroku_key|heroku_token|herokuapikey|heroku_oauth|heroku_secret|heroku-api|heroku.api"},
	{id: "alibaba-access-key", pattern: `LTAI[A-Za-z0-9]{12,24}`},
	{id: "tencent-secret-id", pattern: `AKID[A-Za-z0-9]{32}`},
	{id: "yandex-api-key", pattern: `AQVN[A-Za-z0-9_-]{35,38}`},
	{id: "yandex-token", pattern: `(?:t1\.[A-Z0-9a-z_-]{2,200}={0,2}\.[A-Z0-9a-z_-]{86}={0,2}|y[0-3]_[A-Za-z0-9_-]{50,60})`},
	{id: "yandex-aws-key", pattern: `YC[A-Za-z0-9_-]{38}`, bits: 3.8},
	{id: "scaleway-key", pattern: `SCW[A-Z0-9]{17}`},
	{id: "fly-token", pattern: `(?:fo1_[A-Za-z0-9_-]{43}|fm[12][ar]?_[A-Za-z0-9+/]{100,1000}={0,3})`, open: true},
	{id: "railway-render-key", pattern: `rnd_[A-Za-z0-9]{28,32}`},
	{id: "vercel-token", pattern: `(?:vercel_blob_rw_[A-Za-z0-9]{16}_[A-Za-z0-9]{30,32}|(?:vc[apirk]|vercel)_[A-Za-z0-9]{24,60})`},
	{id: "netlify-token", pattern: `nf[pco]_[A-Za-z0-9_-]{36}`},
	{id: "cloudflare-origin-ca-key", pattern: `v1\.0-[a-f0-9]{24}-[a-f0-9]{146}`},
	{id: "cloudflare-token", pattern: `cf(?:ut|at|k)_[A-Za-z0-9_-]{40,60}`},
	{id: "cloudflare-key", pattern: `[A-Za-z0-9_-]{37,40}`, near: "cloudflare|cf_api|cf-api|x-auth-key"},
	{id: "fastly-token", pattern: `[A-Za-z0-9_-]{32}`, near: "fastly"},
	{id: "vault-token", pattern: `hv[sbr]\.[A-Za-z0-9_-]{20,400}`, open: true},
	{id: "vault-token", pattern: `(?:s\.CAES[A-Za-z0-9_-]{80,140}|b\.AAAAA[A-Za-z0-9_-]{100,300})`, open: true},
	{id: "vault-old-token", pattern: `[sbr]\.[A-Za-z0-9]{24,26}`, bits: 3.6, near: "vault|token"},
	{id: "vault-unseal-key", pattern: `[A-Za-z0-9+/]{44}`, near: "unseal"},
	{id: "terraform-token", pattern: `[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{60,70}`, open: true},
	{id: "pulumi-token", pattern: `pul-[a-f0-9]{40}`},
	{id: "doppler-token", pattern: `dp\.(?:ct|pt|st|said|sakt|sa|scim|audit)\.(?:[a-z0-9_-]{2,35}\.)?[A-Za-z0-9]{40,44}`, open: true},
	{id: "infracost-key", pattern: `ico-[A-Za-z0-9]{32}`},
	{id: "prefect-key", pattern: `pn[ub]_[A-Za-z0-9]{36}`},
	{id: "databricks-token", pattern: `dapi[a-f0-9]{32}(?:-[0-9])?`},
	{id: "planetscale-token", pattern: `pscale_(?:tkn|pw|oauth)_[A-Za-z0-9_.=-]{32,64}`, open: true},
	{id: "supabase-token", pattern: `(?:sbp_(?:oauth_|v0_)?[a-f0-9]{40}|sb_(?:secret|publishable)_[A-Za-z0-9_-]{20,60})`},
	{id: "neon-key", pattern: `napi_[a-z0-9]{60,70}`},
	{id: "clickhouse-key", pattern: `4b1d[A-Za-z0-9]{38}`},
	{id: "mongodb-atlas-secret", pattern: `mdb_sa_sk_[A-Za-z0-9_-]{30,60}`},
	{id: "snowflake-token", pattern: `ver:[0-9]{1,3}-hint:[0-9]{5,20}-ETMs[A-Za-z0-9+/=]{20,400}`},
	{id: "redis-cloud-key", pattern: `[AS][a-z0-9]{40,50}`, near: "redislabs|rediscloud"},
	{id: "openshift-token", pattern: `sha256~[A-Za-z0-9_-]{43}`},
	{id: "kubernetes-bootstrap-token", pattern: `[a-z0-9]{6}\.[a-z0-9]{16}`, near: "bootstrap|kubeadm|join-token|--token|token"},
	{id: "age-secret-key", pattern: `AGE-SECRET-KEY-1[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58}`},
	{id: "wireguard-key", pattern: `[A-Za-z0-9+/]{43}=`, near: "privatekey|presharedkey|private-key|preshared-key"},
	{id: "1password-secret-key", pattern: `A3-[A-Z0-9]{6}-(?:[A-Z0-9]{11}|[A-Z0-9]{6}-[A-Z0-9]{5})-[A-Z0-9]{5}-[A-Z0-9]{5}-[A-Z0-9]{5}`},
	{id: "1password-service-token", pattern: `ops_eyJ[A-Za-z0-9+/_-]{200,1000}[A-Za-z0-9+/_=-]{0,1000}`, open: true},
	{id: "infisical-token", pattern: `st\.(?:[a-f0-9]{24}|[a-f0-9]{8}-[a-f0-9-]{27})\.[a-f0-9]{32}\.[a-f0-9]{32}`},
	{id: "tailscale-key", pattern: `tskey-(?:[a-z]{2,12}-)?[A-Za-z0-9]{6,25}-[A-Za-z0-9]{8,40}`, open: true},
	{id: "ngrok-token", pattern: `[12][A-Za-z0-9]{26}_[1-9A-Za-z]{20,21}`, bits: 4},
	{id: "duffel-key", pattern: `duffel_(?:test|live)_[A-Za-z0-9_=-]{43}`},
	{id: "artifactory-key", pattern: `AKCp[0-9][A-Za-z0-9]{60,75}`, open: true},
	{id: "artifactory-reference", pattern: `cmVmd[A-Za-z0-9]{59}`},
	{id: "truenas-key", pattern: `[0-9]{1,3}-[A-Za-z0-9]{64}`},
	{id: "akamai-token", pattern: `akab-[a-z0-9]{16}-[a-z0-9]{16}`},
	{id: "aiven-password", pattern: `AVNS_[A-Za-z0-9_-]{16,24}`},
	{id: "cockroach-key", pattern: `CCDB1_[A-Za-z0-9]{22}_[A-Za-z0-9]{40}`},
	{id: "portainer-key", pattern: `ptr_[A-Za-z0-9+/]{43}=`, open: true},
	{id: "proxmox-token", pattern: `PVEAPIToken=[A-Za-z0-9._-]{1,40}@[a-z0-9]{2,20}![A-Za-z0-9._-]{1,40}=[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`},
	{id: "exoscale-key", pattern: `EXO[a-f0-9]{24}`},
	{id: "backblaze-key", pattern: `K00[0-9][A-Za-z0-9/+]{27}`, bits: 3.8, upper: true},
}
