from django.urls import path, re_path

from apps.accounts.scim import views

app_name = "scim"
urlpatterns = [
    path("ServiceProviderConfig", views.service_provider_config, name="service-provider-config"),
    path("ResourceTypes", views.resource_types, name="resource-types"),
    path("ResourceTypes/<str:name>", views.resource_types, name="resource-type"),
    path("Schemas", views.schemas, name="schemas"),
    path("Schemas/<str:name>", views.schemas, name="schema"),
    path("Users", views.user_list, name="user-list"),
    path("Users/.search", views.user_search, name="user-search"),
    path("Groups/.search", views.group_search, name="group-search"),
    path(".search", views.search, name="search"),
    path("Users/<str:resource_id>", views.user_detail, name="user-detail"),
    path("Groups", views.group_list, name="group-list"),
    path("Groups/<str:resource_id>", views.group_detail, name="group-detail"),
    re_path(r"^(?P<path>.*)$", views.not_served, name="not-served"),
]
