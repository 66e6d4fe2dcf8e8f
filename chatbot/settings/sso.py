"""Single sign-on: OpenID Connect, SAML, LDAP; one switch each. SCIM."""
